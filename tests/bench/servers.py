"""Start everything that is measured: a control plane, kubectl proxy, and the service, as processes of their own."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.cluster.build import binaries
from tests.cluster.control_plane import ControlPlane
from tests.cluster.processes import Processes
from tests.cluster.readiness import Watch

from .candidates import RAW, Candidate
from .http_json import AnswerError

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30.0

DIRECT = "direct"
PROXY = "kubectl proxy"
SERVICE = "service"


class Servers:
    """The servers for as long as a `with` block; afterwards, however it ends, none is left.

    Attributes:
        direct: the apiserver itself, as admin.
        proxy: `kubectl proxy` before it.
        service: this project before it.

    Raises on entering:
        BuildError: a program cannot be built.
        StartError: a server ended, or was not ready in time; the message ends with its log.
    """

    direct: Candidate
    proxy: Candidate
    service: Candidate

    def __init__(self) -> None:
        self._cluster = ControlPlane()

    def __enter__(self) -> Self:
        self._cluster.start()
        try:
            self._processes = Processes()
            self.direct = self._apiserver()
            self.proxy = self._start_proxy()
            self.service = self._start_service("service")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def named(self, name: str) -> Candidate:
        """Return one of those that run all the time."""
        return next(each for each in (self.direct, self.proxy, self.service) if each.name == name)

    @contextmanager
    def fresh_service(self) -> Iterator[Candidate]:
        """Run one more service, whose memory nobody has used yet."""
        name = "fresh-service"
        candidate = self._start_service(name)
        try:
            yield candidate
        finally:
            self._processes.kill(name)
            (self._processes.directory / f"{name}.log").unlink()

    def forget_log(self) -> None:
        """Drop the service's audit lines, which would fill the disk in the end."""
        # It is open for appending, so the next line goes to the new end.
        os.truncate(self._processes.directory / "service.log", 0)

    def _stop(self) -> None:
        if hasattr(self, "_processes"):
            self._processes.close()
        self._cluster.stop()

    def _apiserver(self) -> Candidate:
        cluster = self._cluster
        authorization = f"Bearer {cluster.admin_token}"
        pid = cluster.pids["kube-apiserver"]
        return Candidate(DIRECT, cluster.server, pid, authorization=authorization, ca_file=cluster.ca_file)

    def _start_proxy(self) -> Candidate:
        command = [str(binaries().kubectl), f"--kubeconfig={self._cluster.kubeconfig}", "proxy", "--port=0"]
        url, pid = self._start("kubectl-proxy", command, _url_of_proxy)
        return Candidate(PROXY, url, pid)

    def _start_service(self, name: str) -> Candidate:
        command = [
            *("env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "service"),
            *("--listen=127.0.0.1:0", f"--kubeconfig={self._cluster.kubeconfig}", "--log-format=json"),
        ]
        url, pid = self._start(name, command, _url_of_service)
        candidate = Candidate(SERVICE, url, pid, RAW, "/name/")
        self._wait(name, lambda: _is_ready(candidate), "get ready")
        return candidate

    def _start(self, name: str, command: list[str], url_in: Callable[[str], str | None]) -> tuple[str, int]:
        self._processes.start(name, command)
        self._wait(name, lambda: url_in(self._processes.log(name)), "say where it serves")
        return url_in(self._processes.log(name)) or "", self._processes.pids()[name]

    def _wait(self, name: str, condition: Callable[[], object], what: str) -> None:
        Watch(self._processes, SECONDS).wait(name, what, lambda: bool(condition()))


def _url_of_proxy(log: str) -> str | None:
    match = re.search(r"^Starting to serve on (\S+)$", log, re.MULTILINE)
    return match and f"http://{match[1]}"


def _url_of_service(log: str) -> str | None:
    lines = (json.loads(line) for line in log.splitlines() if line.startswith("{") and line.endswith("}"))
    return next((line["url"] for line in lines if line["event"] == "serving"), None)


def _is_ready(candidate: Candidate) -> bool:
    try:
        with candidate.connection() as connection:
            return connection.text("GET", "/readyz").startswith("ok")
    except AnswerError:
        return False
