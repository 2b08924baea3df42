"""The command lines of what runs in the box, beside the control plane's."""

import sys
from pathlib import Path

from ..certificates import KeyPair
from . import containerd
from .addresses import NODE_ADDRESS, REGISTRY
from .configuration import NODE_NAME, Files
from .programs import NodePrograms

HERE = Path(__file__).resolve().parent
SCRIPT = (sys.executable, "-I")


def apiserver_flags(to_kubelet: KeyPair) -> tuple[str, ...]:
    """Return how the apiserver is reached in the box, and by what it is known to the kubelet."""
    return (
        "--bind-address=0.0.0.0",
        f"--advertise-address={NODE_ADDRESS}",
        f"--kubelet-client-certificate={to_kubelet.certificate}",
        f"--kubelet-client-key={to_kubelet.key}",
    )


def forwarder(path: Path) -> list[str]:
    """Return the command line of the way in; requests for more of them go to the Unix socket at `path`."""
    return [*SCRIPT, str(HERE / "forwarder.py"), str(path)]


def sources(programs: NodePrograms, files: Files, images: Path) -> dict[str, list[str]]:
    """Return the command lines of what containers come from, by name."""
    return {
        "registry": [*SCRIPT, str(HERE / "registry.py"), str(images), REGISTRY.rpartition(":")[2]],
        "containerd": [str(programs.containerd), f"--config={containerd.configuration(files.containerd)}"],
    }


def node(programs: NodePrograms, files: Files) -> dict[str, list[str]]:
    """Return the command lines of what makes a node, by name."""
    return {
        "kubelet": [
            str(programs.kubelet),
            f"--config={files.kubelet}",
            f"--kubeconfig={files.kubeconfig}",
            f"--root-dir={files.directory / 'kubelet'}",
            f"--cert-dir={files.directory / 'kubelet' / 'pki'}",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={NODE_ADDRESS}",
            "--v=2",
        ],
        "kube-proxy": [str(programs.kube_proxy), f"--config={files.kube_proxy}"],
        "coredns": [str(programs.coredns), "-conf", str(files.corefile)],
    }
