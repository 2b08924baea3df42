"""Run a control plane for as long as a `with` block, a fixture or a person needs it."""

import datetime
import json
from collections.abc import Mapping
from pathlib import Path

from .certificates import signing_keys
from .cluster import Cluster
from .components import Settings, commands, free_ports, kwok
from .etcd import compact
from .pod_logs import Lines, PodLogs

NODE = Path(__file__).resolve().parent / "node.yaml"
LOGS = NODE.with_name("logs-crd.yaml")
LOG_LINE = "220"
# An address of loopback cannot be a Service's endpoint, so there is none.
LOOPBACK = ("--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none")


class ControlPlane(Cluster):
    """etcd, apiserver, controller manager, scheduler and kwok on free loopback ports in a temporary directory.

    Entering the `with` block, or calling `start()`, returns when Jobs run to their end on the fake node.
    """

    etcd_url: str

    def compact_etcd(self) -> None:
        """Let etcd forget its past, as it is told to every few minutes where a cluster lives longer."""
        compact(self.etcd_url)

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
        ports = free_ports("etcd", "etcd-peer", "kube-apiserver", "kwok")
        self._serve_on(ports["kube-apiserver"])
        self.etcd_url = f"http://127.0.0.1:{ports['etcd']}"
        settings = Settings(
            directory=self.directory,
            ports=ports,
            ca_file=self.ca_file,
            serving=self._authority.serving("serving"),
            signing=signing_keys(self.directory),
            tokens=self._write_tokens(),
            kubeconfig=self.kubeconfig,
            apiserver_flags=LOOPBACK,
        )
        self._commands = {
            **commands(self._programs, settings),
            "kwok": kwok(self._programs.kwok, settings, self._write_kwok_config()),
        }
        self._pod_logs = PodLogs(self.directory / "pod-logs", ports, self.admin_token, self.ca_file)

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
