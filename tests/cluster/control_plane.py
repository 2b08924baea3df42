"""Run a control plane for as long as a `with` block, a fixture or a person needs it."""

import datetime
import json
import secrets
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from .build import Binaries, binaries
from .certificates import Authority, KeyPair, signing_keys
from .components import Settings, commands, free_ports
from .etcd import compact
from .kubeconfig import write_kubeconfig
from .pod_logs import Lines, PodLogs
from .polling import eventually, is_frozen
from .processes import Processes
from .readiness import Probe, Watch

NODE = Path(__file__).resolve().parent / "node.yaml"
LOGS = NODE.with_name("logs-crd.yaml")
START_SECONDS = 90.0
KUBECTL_SECONDS = 60.0
LOG_LINE = "220"


class KubectlError(Exception):
    """kubectl ended with an error; the message is what it wrote to stderr."""


class ControlPlane:
    """etcd, apiserver, controller manager, scheduler and kwok on free loopback ports in a temporary directory.

    Entering the `with` block, or calling `start()`, returns when Jobs run to their end on the fake node. Leaving
    it, calling `stop()`, or the end of this process in whatever way ends every component and removes the directory.
    Requests are authenticated by `admin_token` (system:masters), `alice_token` (alice in the group dev, who may
    do nothing until a test binds a role), ServiceAccount tokens, or certificates from `issue_client()`.
    """

    directory: Path
    server: str
    etcd_url: str
    ca_file: Path
    kubeconfig: Path

    _programs: Binaries
    _processes: Processes

    def __init__(self) -> None:
        self.admin_token = secrets.token_hex(16)
        self.alice_token = secrets.token_hex(16)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Build what is missing and start everything; when that fails nothing is left running.

        Raises:
            BuildError: a program cannot be built.
            StartError: a component ended, or was not ready in time; the message ends with its log.
        """
        self._programs = binaries()
        self._processes = Processes()
        try:
            self._prepare()
            self._start_all()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Kill every component and remove the directory; calling it again does nothing."""
        if hasattr(self, "_processes"):
            self._processes.close()

    @property
    def pids(self) -> dict[str, int]:
        """The running components' process ids, and under `supervisor` that of their parent."""
        return {**self._processes.pids(), "supervisor": self._processes.supervisor_pid}

    def ended(self) -> dict[str, int]:
        """Return the exit codes of the components that ended though nobody stopped them; normally empty."""
        return self._processes.ended()

    def log(self, name: str) -> str:
        """Return the end of a component's log."""
        return self._processes.log(name)

    def stop_component(self, name: str) -> None:
        """Kill a component, as a crash would; on return it is gone."""
        self._processes.kill(name)

    def start_component(self, name: str) -> None:
        """Start a stopped component again, on the same port; etcd and the apiserver are ready on return."""
        self._processes.start(name, self._commands[name])
        if name in {"etcd", "kube-apiserver"}:
            self._watch().wait(name, "answer /readyz", self._probe.is_ready)

    def pause_component(self, name: str) -> None:
        """Freeze a component: on return its connections are open and nothing answers on them."""
        self._processes.signal(name, signal.SIGSTOP)
        pid = self._processes.pids()[name]
        eventually(lambda: is_frozen(pid), f"freeze {name}")

    def resume_component(self, name: str) -> None:
        """Let a frozen component go on."""
        self._processes.signal(name, signal.SIGCONT)

    def compact_etcd(self) -> None:
        """Let etcd forget its past, as it is told to every few minutes where a cluster lives longer."""
        compact(self.etcd_url)

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002 - subprocess's own name for it
        """Run kubectl as admin and return what it printed.

        Raises:
            KubectlError: it ended with an error.
        """
        result = subprocess.run(
            [str(self._programs.kubectl), f"--kubeconfig={self.kubeconfig}", *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            env={"HOME": str(self.directory)},
            capture_output=True,
            text=True,
            timeout=KUBECTL_SECONDS,
            check=False,
        )
        if result.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {result.stderr.strip()}")
        return result.stdout

    def issue_client(self, common_name: str, *organizations: str) -> KeyPair:
        """Issue a client certificate for a user and its groups."""
        return self._authority.client(common_name, organizations)

    def kubeconfig_for(self, name: str, *, token: str | None = None, client: KeyPair | None = None) -> Path:
        """Write `<name>.kubeconfig` into the directory and return its path."""
        path = self.directory / f"{name}.kubeconfig"
        return write_kubeconfig(path, self.server, self.ca_file, token=token, client=client)

    def write_log(
        self, namespace: str, pod: str, logs: Mapping[str, Lines], *, previous: Mapping[str, Lines] | None = None
    ) -> None:
        """Give a pod a log of its own, in place of the line that every pod has; may come before the pod itself.

        It stays when the pod goes, and its other containers have no log then. Nothing can be followed to an end:
        the fake node never says that a container has ended.

        Args:
            namespace: the pod's namespace.
            pod: its name.
            logs: what each container has written: the time of a line, in UTC, and the line with its newline; one
                without is a piece of a longer line, or the log's unfinished last one.
            previous: what each container wrote in the run before.
        """
        self._pod_logs.write(namespace, pod, logs, previous or {})

    def _prepare(self) -> None:
        self.directory = self._processes.directory
        ports = free_ports("etcd", "etcd-peer", "kube-apiserver", "kwok")
        self.server = f"https://127.0.0.1:{ports['kube-apiserver']}"
        self.etcd_url = f"http://127.0.0.1:{ports['etcd']}"
        self._authority = Authority(self.directory)
        self.ca_file = self._authority.ca_file
        self.kubeconfig = self.kubeconfig_for("admin", token=self.admin_token)
        settings = Settings(
            directory=self.directory,
            ports=ports,
            ca_file=self.ca_file,
            serving=self._authority.serving("serving"),
            signing=signing_keys(self.directory),
            tokens=self._write_tokens(),
            kubeconfig=self.kubeconfig,
            kwok_config=self._write_kwok_config(),
        )
        self._commands = commands(self._programs, settings)
        self._probe = Probe(ports["kube-apiserver"], self.admin_token, self.ca_file)
        self._pod_logs = PodLogs(self.directory / "pod-logs", ports, self.admin_token, self.ca_file)

    def _write_tokens(self) -> Path:
        path = self.directory / "tokens.csv"
        path.touch(mode=0o600)
        path.write_text(f'{self.admin_token},admin,admin,"system:masters"\n{self.alice_token},alice,alice,"dev"\n')
        return path

    def _write_kwok_config(self) -> Path:
        lines, config = self.directory / "pod.log", self.directory / "kwok.yaml"
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        lines.write_text(f"{now} stdout F {LOG_LINE}\n")
        logs = {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "ClusterLogs",
            "metadata": {"name": "every-pod"},
            "spec": {"logs": [{"logsFile": str(lines)}]},
        }
        config.write_text(json.dumps(logs))
        return config

    def _start_all(self) -> None:
        watch = self._watch()
        for name in ("etcd", "kube-apiserver"):
            self._processes.start(name, self._commands[name])
        watch.wait("kube-apiserver", "answer /readyz", self._probe.is_ready)
        for name in self._commands.keys() - self._processes.pids().keys():
            self._processes.start(name, self._commands[name])
        self.kubectl("create", "--validate=false", f"--filename={NODE}", f"--filename={LOGS}")
        watch.wait("kwok", "make its node ready", lambda: self._probe.has_ready_node("fake"))
        watch.wait("kube-controller-manager", "make the default account", self._probe.has_default_account)

    def _watch(self) -> Watch:
        return Watch(self._processes, START_SECONDS)
