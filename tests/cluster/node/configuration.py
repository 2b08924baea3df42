"""The configuration files of the node's components, each written into the node's own directory."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..certificates import KeyPair
from . import containerd, dns
from .addresses import DNS_ADDRESS, NODE_ADDRESS, POD_NETWORK
from .programs import NodePrograms

NODE_NAME = "real"


@dataclass(frozen=True)
class Files:
    """Where the configuration is and what it speaks of."""

    directory: Path
    cgroup: str
    ca_file: Path
    kubeconfig: Path
    serving: KeyPair

    @property
    def containerd(self) -> Path:
        """containerd's folder: its configuration, socket, images and state."""
        return self.directory / "containerd"

    @property
    def kubelet(self) -> Path:
        """The KubeletConfiguration."""
        return self.directory / "kubelet.yaml"

    @property
    def kube_proxy(self) -> Path:
        """The KubeProxyConfiguration."""
        return self.directory / "kube-proxy.yaml"

    @property
    def corefile(self) -> Path:
        """CoreDNS' configuration."""
        return self.directory / "Corefile"


def write_configuration(files: Files, programs: NodePrograms) -> None:
    """Write every file."""
    containerd.write(files.containerd, programs.debian)
    _write_nft(files.directory / "bin" / "nft", programs.debian)
    files.kubelet.write_text(yaml.safe_dump(_kubelet(files)))
    files.kube_proxy.write_text(yaml.safe_dump(_kube_proxy(files)))
    files.corefile.write_text(dns.corefile(files.kubeconfig))


def _write_nft(path: Path, debian: Path) -> None:
    """Let kube-proxy find an `nft` on its path that finds its libraries where they were unpacked."""
    path.parent.mkdir()
    (libraries,) = (debian / "usr" / "lib").glob("*-linux-gnu*")
    program = debian / "usr" / "sbin" / "nft"
    path.write_text(
        f'#!/bin/sh\nLD_LIBRARY_PATH={shlex.quote(str(libraries))} exec {shlex.quote(str(program))} "$@"\n'
    )
    path.chmod(0o755)


def _kubelet(files: Files) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "port": 10250,
        "healthzPort": 0,
        "readOnlyPort": 0,
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(files.directory / "resolv.conf"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": str(files.ca_file)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(files.serving.certificate),
        "tlsPrivateKeyFile": str(files.serving.key),
        # Since 1.35 a kubelet refuses to run on cgroup v1 unless told to.
        "failCgroupV1": False,
        # The other driver asks systemd, which may not be there and would make cgroups out of our sight.
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{files.cgroup}",
        "containerRuntimeEndpoint": f"unix://{containerd.socket(files.containerd)}",
        "podLogsDir": str(files.directory / "pod-logs"),
        "volumePluginDir": str(files.directory / "kubelet" / "volume-plugins"),
        # What is rotated away while a slow caller reads is lost, whoever relays it; that is not what is tried here.
        "containerLogMaxSize": "1Gi",
        "makeIPTablesUtilChains": False,
        "failSwapOn": False,
        # The machine's disk may be as full as its owner likes: no image is removed and no pod evicted for it.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "memory.available": "50Mi",
        },
    }


def _kube_proxy(files: Files) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "hostnameOverride": NODE_NAME,
        "clusterCIDR": POD_NETWORK,
        "clientConnection": {"kubeconfig": str(files.kubeconfig)},
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        # Zeros leave the connection tracking of the machine as it is.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
