"""Start everything that is measured: a control plane, kubectl proxy, and the service, as processes of their own."""

import dataclasses
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.cluster.build import binaries
from tests.cluster.control_plane import ControlPlane
from tests.cluster.pod_logs import Lines
from tests.cluster.processes import Processes
from tests.cluster.readiness import Watch

from . import accounts
from .candidates import RAW, RAW_LOG, Candidate
from .http_json import AnswerError

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60.0
# As fine as the time until a process is ready is to be told.
POLL_SECONDS = 0.005

DIRECT = "direct"
PROXY = "kubectl proxy"
SERVICE = "service"
SERVICE_NONE = "service (none)"
SERVICE_PASSTHROUGH = "service (passthrough)"
# The service's settings by its name. As few as possible: what is measured is what one gets.
FLAGS = {
    SERVICE: ("--auth-mode=delegated",),
    SERVICE_NONE: ("--auth-mode=none",),
    SERVICE_PASSTHROUGH: ("--auth-mode=passthrough", "--cache"),
}
IS_SYNCED = re.compile(r'^job_api_cache_synced\{scope="[^"]*"\} 1(\.0)?$', re.MULTILINE)


class Servers:
    """The servers for as long as a `with` block; afterwards, however it ends, none is left.

    All callers are one ServiceAccount, whichever server they ask; the service has an account of its own.

    Attributes:
        admin: the apiserver, as who may do everything and waits in no queue; never measured.
        direct: the apiserver itself.
        proxy: `kubectl proxy` before it.
        service: this project before it, in mode delegated.

    Raises on entering:
        BuildError: a program cannot be built.
        StartError: a server ended, or was not ready in time; the message ends with its log.
        AnswerError: the apiserver refuses an account.
    """

    admin: Candidate
    direct: Candidate
    proxy: Candidate
    service: Candidate

    def __init__(self) -> None:
        self._cluster = ControlPlane()

    def __enter__(self) -> Self:
        self._cluster.start()
        try:
            self._processes = Processes()
            self.admin = self._apiserver("admin", self._cluster.admin_token)
            self._tokens = accounts.create(self.admin)
            self.direct = self._apiserver(DIRECT, self._tokens.caller)
            self.proxy = self._start_proxy()
            self.service = self._start_service("service", SERVICE)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @contextmanager
    def running(self, name: str) -> Iterator[Candidate]:
        """Lend the server of a name: one that runs all the time, or a service that does as long as the block."""
        standing = {each.name: each for each in (self.direct, self.proxy, self.service)}
        if name in standing:
            yield standing[name]
        else:
            with self.fresh_service(name=name) as candidate:
                yield candidate

    @contextmanager
    def fresh_service(self, *flags: str, name: str = SERVICE) -> Iterator[Candidate]:
        """Run one more service, whose memory nobody has used yet; it begins with all Jobs in its cache."""
        process = "fresh-service"
        try:
            yield self._start_service(process, name, *flags)
        finally:
            self._processes.kill(process)
            (self._processes.directory / f"{process}.log").unlink()

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Freeze the service that runs all the time, and follows every change, while another is measured."""
        if name == SERVICE:
            yield
            return
        self._processes.signal("service", signal.SIGSTOP)
        try:
            yield
        finally:
            self._processes.signal("service", signal.SIGCONT)

    def write_log(self, namespace: str, pod: str, logs: Mapping[str, Lines]) -> None:
        """Give a pod of the fake node a log, by container."""
        self._cluster.write_log(namespace, pod, logs)

    def forget_log(self) -> None:
        """Drop the service's audit lines, which would fill the disk in the end."""
        # It is open for appending, so the next line goes to the new end.
        os.truncate(self._processes.directory / "service.log", 0)

    def _stop(self) -> None:
        if hasattr(self, "_processes"):
            self._processes.close()
        self._cluster.stop()

    def _apiserver(self, name: str, token: str) -> Candidate:
        pid = self._cluster.pids["kube-apiserver"]
        return Candidate(
            name, self._cluster.server, pid, authorization=f"Bearer {token}", ca_file=self._cluster.ca_file
        )

    def _start_proxy(self) -> Candidate:
        kubeconfig = self._cluster.kubeconfig_for("bench-caller", token=self._tokens.caller)
        command = [str(binaries().kubectl), f"--kubeconfig={kubeconfig}", "proxy", "--port=0"]
        url, pid = self._start("kubectl-proxy", command, _url_of_proxy)
        return Candidate(PROXY, url, pid)

    def _start_service(self, process: str, name: str, *flags: str) -> Candidate:
        kubeconfig = self._cluster.kubeconfig_for("bench-service", token=self._tokens.service)
        command = [
            *("env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "service"),
            *("--listen=127.0.0.1:0", f"--kubeconfig={kubeconfig}", "--log-format=json", *FLAGS[name], *flags),
        ]
        began = time.perf_counter()
        url, pid = self._start(process, command, _url_of_service)
        authorization = "" if name == SERVICE_NONE else f"Bearer {self._tokens.caller}"
        candidate = Candidate(name, url, pid, RAW, "/name/", RAW_LOG, authorization)
        self._wait(process, lambda: _says(candidate, "/readyz", re.compile("^ok")), "get ready")
        seconds = time.perf_counter() - began
        self._wait(process, lambda: _says(candidate, "/metrics", IS_SYNCED), "cache all Jobs")
        return dataclasses.replace(candidate, ready_seconds=seconds, synced_seconds=time.perf_counter() - began)

    def _start(self, name: str, command: list[str], url_in: Callable[[str], str | None]) -> tuple[str, int]:
        self._processes.start(name, command)
        self._wait(name, lambda: url_in(self._processes.log(name)), "say where it serves")
        return url_in(self._processes.log(name)) or "", self._processes.pids()[name]

    def _wait(self, name: str, condition: Callable[[], object], what: str) -> None:
        Watch(self._processes, SECONDS, POLL_SECONDS).wait(name, what, lambda: bool(condition()))


def _url_of_proxy(log: str) -> str | None:
    match = re.search(r"^Starting to serve on (\S+)$", log, re.MULTILINE)
    return match and f"http://{match[1]}"


def _url_of_service(log: str) -> str | None:
    lines = (json.loads(line) for line in log.splitlines() if line.startswith("{") and line.endswith("}"))
    return next((line["url"] for line in lines if line["event"] == "serving"), None)


def _says(candidate: Candidate, path: str, pattern: re.Pattern[str]) -> bool:
    try:
        with candidate.connection() as connection:
            return bool(pattern.search(connection.text("GET", path)))
    except AnswerError:
        return False
