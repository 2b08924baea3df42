"""Run a cluster with one real node for as long as a `with` block, a fixture or a person needs it."""

import json
import socket
import subprocess
from pathlib import Path

from ..certificates import signing_keys
from ..cluster import Cluster
from ..components import Settings, commands, free_ports
from ..processes import Processes
from . import components
from .addresses import API_ADDRESS, DNS_ADDRESS, NODE_ADDRESS
from .box import Box
from .configuration import NODE_NAME, Files, write_configuration
from .containerd import BOOTED
from .dns import dns_objects
from .forwarder import BACKLOG, hand_over
from .image_store import ImageStore
from .images import add_images
from .programs import NodePrograms, check_machine, node_programs

API_NAME = "kubernetes.default.svc.cluster.local"


class RealNode(Cluster):
    """A whole cluster in a box without a way out: control plane, containerd, kubelet, kube-proxy and CoreDNS.

    Entering the `with` block, or calling `start()`, returns when pods run on the node and Services and DNS answer.
    Its components are etcd, kube-apiserver, kube-controller-manager, kube-scheduler, containerd, kubelet,
    kube-proxy, coredns, registry (of images) and forwarder (the way in). It needs Linux and root.
    Every connection from outside goes through the forwarder: what is refused in the box is reset out here.
    """

    _node_programs: NodePrograms
    _processes: Box

    def start(self) -> None:
        """Build what is missing and start everything; when that fails nothing is left running.

        Raises:
            BuildError: this machine cannot run a node, or a program cannot be built.
            StartError: a component ended, or was not ready in time; the message ends with its log.
        """
        check_machine()
        super().start()

    def load_image(self, archive: Path, name: str) -> None:
        """Let pods use the image in an OCI archive (a tar) under a name, such as `job-api:1.0`."""
        self._images.load(archive, name)

    def forward(self, address: str, port: int) -> int:
        """Return a port of this machine's 127.0.0.1 that leads to an address in the box, such as a Service's."""
        with _listener() as listener:
            hand_over(listener, self._forwards, address, port)
            return _port(listener)

    def enter(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of this machine inside the box, and return how it ended and what it printed."""
        return self._processes.enter(*command)

    @property
    def busybox(self) -> str:
        """The static busybox, whose tools can be counted on in the box as on this machine."""
        return str(self._node_programs.debian / "bin" / "busybox")

    @property
    def cgroup(self) -> str:
        """The name of the cgroup that all of the node's pods are in."""
        return self._processes.cgroup

    def _open(self) -> Processes:
        self._node_programs = node_programs()
        return Box(self._node_programs.debian)

    def _prepare(self) -> None:
        self._images = ImageStore(self.directory / "images")
        add_images(self._images, Path(self.busybox))
        port = self._open_door()
        self._serve_on(port)
        self._files = Files(
            directory=self.directory,
            cgroup=self.cgroup,
            ca_file=self.ca_file,
            kubeconfig=self.kubeconfig,
            serving=self._authority.serving("serving", NODE_ADDRESS, API_ADDRESS),
        )
        write_configuration(self._files, self._node_programs)
        self._commands = {
            **self._door(),
            **components.sources(self._node_programs, self._files, self.directory / "images"),
            **commands(self._programs, self._control_plane(port)),
            **components.node(self._node_programs, self._files),
        }

    def _control_plane(self, port: int) -> Settings:
        to_kubelet = self.issue_client("kube-apiserver-kubelet-client", "system:masters")
        return Settings(
            directory=self.directory,
            # In the box nothing else has a port.
            ports={"etcd": 2379, "etcd-peer": 2380, "kube-apiserver": port},
            ca_file=self.ca_file,
            serving=self._files.serving,
            signing=signing_keys(self.directory),
            tokens=self._write_tokens(),
            kubeconfig=self.kubeconfig,
            apiserver_flags=components.apiserver_flags(to_kubelet),
        )

    def _door(self) -> dict[str, list[str]]:
        self._forwards = self.directory / "forwarder.sock"
        return {"forwarder": components.forwarder(self._forwards)}

    def _open_door(self) -> int:
        """Start the forwarder and return the apiserver's port: the same on both sides, for one kubeconfig."""
        for name, command in self._door().items():
            self._processes.start(name, command)
        self._watch().wait("forwarder", "listen", self._forwards.exists)
        with _listener() as listener:
            hand_over(listener, self._forwards, "127.0.0.1", _port(listener))
            return _port(listener)

    def _start_all(self) -> None:
        watch = self._watch()
        for name in ("registry", "containerd", "etcd", "kube-apiserver"):
            self._processes.start(name, self._commands[name])
        watch.wait("containerd", "start", lambda: BOOTED in self.log("containerd"))
        watch.wait("kube-apiserver", "answer /readyz", self._probe.is_ready)
        for name in self._commands.keys() - self._processes.pids().keys():
            self._processes.start(name, self._commands[name])
        self.kubectl("create", "--validate=false", "--filename=-", input=json.dumps(dns_objects()))
        watch.wait("kubelet", "make its node ready", lambda: self._probe.has_ready_node(NODE_NAME))
        watch.wait("kube-controller-manager", "make the default account", self._probe.has_default_account)
        watch.wait("coredns", "answer through its Service", self._answers_names)
        watch.wait("kube-proxy", "lead to the apiserver's Service", self._leads_to_apiserver)

    def _answers_names(self) -> bool:
        return self.enter(self.busybox, "nslookup", API_NAME, DNS_ADDRESS).returncode == 0

    def _leads_to_apiserver(self) -> bool:
        return self.enter(self.busybox, "nc", "-w", "1", API_ADDRESS, "443").returncode == 0


def _listener() -> socket.socket:
    while True:
        (port,) = free_ports("apiserver").values()
        try:
            return socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        except OSError:
            continue  # somebody was quicker


def _port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])
