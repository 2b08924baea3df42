"""Which programs the node is made of, besides those of the control plane, and where they come from."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from ..build import kubernetes
from ..go_module import BuildError, GoModule
from .debian import debian_root

HERE = Path(__file__).resolve().parent
KUBERNETES = {"kubelet": "k8s.io/kubernetes/cmd/kubelet", "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy"}
CONTAINERD = "github.com/containerd/containerd/v2"
# The plugins of this tag need headers or tools of file systems that no test uses.
TAGS = ("-tags", "no_btrfs no_devmapper no_zfs")


@dataclass(frozen=True)
class NodePrograms:
    """Where the programs lie; containerd's shim lies beside it, and Debian's in `debian` as under a root."""

    kubelet: Path
    kube_proxy: Path
    containerd: Path
    coredns: Path
    debian: Path


def node_programs() -> NodePrograms:
    """Return the node's programs, building and downloading what is missing.

    Raises:
        BuildError: this machine cannot run a node, or lacks what is needed to make the programs.
    """
    check_machine()
    paths = kubernetes(KUBERNETES).programs() | _containerd().programs() | _coredns().programs()
    return NodePrograms(
        kubelet=paths["kubelet"],
        kube_proxy=paths["kube-proxy"],
        containerd=paths["containerd"],
        coredns=paths["coredns"],
        debian=debian_root(),
    )


def check_machine() -> None:
    """Raise BuildError where no node can run, before minutes are spent on its programs."""
    if sys.platform != "linux":
        raise BuildError(f"a real node needs Linux, and this is {sys.platform}")
    if os.geteuid() != 0:
        raise BuildError("a real node needs root: it mounts, makes namespaces and cgroups")


def _containerd() -> GoModule:
    packages = {name: f"{CONTAINERD}/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2")}
    module = GoModule(HERE / "containerd", packages, ())
    version = module.from_go_mod(rf"^\s*(?:require )?{CONTAINERD} (v\S+)")
    return replace(
        module, flags=("-trimpath", "-ldflags", f"-s -w -X {CONTAINERD}/version.Version={version}", *TAGS)
    )


def _coredns() -> GoModule:
    return GoModule(HERE / "coredns", {"coredns": "."}, ("-trimpath", "-ldflags", "-s -w"))
