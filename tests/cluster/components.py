"""The command lines of the control plane's components, and of kwok."""

import random
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .build import Binaries
from .certificates import KeyPair

STAGES = Path(__file__).resolve().parent / "stages"
# Below every system's range for outgoing connections: the apiserver opens hundreds, and one of them would sooner
# or later sit on a port that was free a second ago.
PORTS = range(16000, 32000)


@dataclass(frozen=True)
class Settings:
    """What the command lines have in common; every path lies in the control plane's own directory."""

    directory: Path
    ports: Mapping[str, int]
    ca_file: Path
    serving: KeyPair
    signing: KeyPair
    tokens: Path
    kubeconfig: Path
    apiserver_flags: Sequence[str]  # where it listens, and what follows from that


def free_ports(*names: str) -> dict[str, int]:
    """Return a different port of 127.0.0.1 for each name, free at this moment."""
    ports: dict[str, int] = {}
    while len(ports) < len(names):
        port = random.choice(PORTS)  # noqa: S311 - nothing secret about it
        if port not in ports.values() and _is_free(port):
            ports[names[len(ports)]] = port
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def commands(programs: Binaries, settings: Settings) -> dict[str, list[str]]:
    """Return the components' command lines by name, in the order in which they are started."""
    return {
        "etcd": _etcd(programs.etcd, settings),
        "kube-apiserver": _apiserver(programs.kube_apiserver, settings),
        "kube-controller-manager": _controller_manager(programs.kube_controller_manager, settings),
        "kube-scheduler": _scheduler(programs.kube_scheduler, settings),
    }


def _etcd(program: Path, settings: Settings) -> list[str]:
    clients = f"http://127.0.0.1:{settings.ports['etcd']}"
    peers = f"http://127.0.0.1:{settings.ports['etcd-peer']}"
    return [
        str(program),
        f"--data-dir={settings.directory / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
    ]


def _apiserver(program: Path, settings: Settings) -> list[str]:
    return [
        str(program),
        f"--etcd-servers=http://127.0.0.1:{settings.ports['etcd']}",
        f"--secure-port={settings.ports['kube-apiserver']}",
        *settings.apiserver_flags,
        f"--tls-cert-file={settings.serving.certificate}",
        f"--tls-private-key-file={settings.serving.key}",
        f"--client-ca-file={settings.ca_file}",
        f"--token-auth-file={settings.tokens}",
        f"--service-account-key-file={settings.signing.certificate}",
        f"--service-account-signing-key-file={settings.signing.key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        f"--kubelet-certificate-authority={settings.ca_file}",
        "--kubelet-preferred-address-types=InternalIP",  # a node's host name resolves nowhere
    ]


def _controller_manager(program: Path, settings: Settings) -> list[str]:
    return [
        str(program),
        f"--kubeconfig={settings.kubeconfig}",
        f"--authentication-kubeconfig={settings.kubeconfig}",
        f"--authorization-kubeconfig={settings.kubeconfig}",
        f"--service-account-private-key-file={settings.signing.key}",
        f"--root-ca-file={settings.ca_file}",
        "--leader-elect=false",
        "--secure-port=0",
        *_PACE,
        "--concurrent-job-syncs=20",
        "--concurrent-gc-syncs=40",
    ]


def _scheduler(program: Path, settings: Settings) -> list[str]:
    return [
        str(program),
        f"--kubeconfig={settings.kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        *_PACE,
    ]


def kwok(program: Path, settings: Settings, config: Path) -> list[str]:
    """Return the command line of the fake nodes' kubelet; the config is what it needs besides the stages."""
    port = settings.ports["kwok"]
    return [
        str(program),
        f"--kubeconfig={settings.kubeconfig}",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-lease-duration-seconds=40",
        "--node-ip=127.0.0.1",
        f"--node-port={port}",
        f"--server-address=127.0.0.1:{port}",
        f"--tls-cert-file={settings.serving.certificate}",
        f"--tls-private-key-file={settings.serving.key}",
        "--cidr=10.244.0.0/16",
        "--enable-crds=Logs",
        *(f"--config={path}" for path in [*sorted(STAGES.glob("*.yaml")), config]),
    ]


# Made for clusters of thousands of nodes, the defaults let a few hundred Jobs take minutes.
_PACE = ("--kube-api-qps=500", "--kube-api-burst=1000")
