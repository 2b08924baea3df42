"""Which programs the control plane is made of; the Go module beside this file builds them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from .go_module import GoModule

HERE = Path(__file__).resolve().parent
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok",
}


@dataclasses.dataclass(frozen=True)
class Binaries:
    """Where the six programs lie."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    kubectl: Path
    kwok: Path


def binaries() -> Binaries:
    """Return the programs, building those that lie neither in KUBEBUILDER_ASSETS nor in the cache.

    Raises:
        BuildError: Go is missing, too old, or failed to build.
    """
    paths = kubernetes(PACKAGES).programs()
    return Binaries(**{name.replace("-", "_"): path for name, path in paths.items()})


def kubernetes(packages: Mapping[str, str]) -> GoModule:
    """Return the module of Kubernetes' own programs; they say of themselves which version they are."""
    module = GoModule(HERE, packages, ())
    version = module.from_go_mod(r"^\s*k8s\.io/kubernetes (v\S+)")
    major, minor, _ = version.removeprefix("v").split(".", 2)
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    linked = [f"-X k8s.io/component-base/version.{key}={value}" for key, value in stamps.items()]
    return dataclasses.replace(module, flags=("-trimpath", "-ldflags", " ".join(["-s -w", *linked])))
