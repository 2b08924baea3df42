"""Logs of the pods on the fake node: files as a node has them, which kwok reads with the kubelet's own reader."""

import datetime
import http.client
import itertools
import json
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from .polling import eventually

REQUEST_SECONDS = 10.0
# Each with the time of its writing, in UTC: a line with its newline, or without it a piece of a longer one.
Lines: TypeAlias = Iterable[tuple[datetime.datetime, bytes]]


class PodLogs:
    """Gives pods logs of their own.

    Args:
        directory: where the files are to be.
        ports: those of the apiserver and of kwok.
        token: an admin's.
        ca_file: whom to trust.
    """

    def __init__(self, directory: Path, ports: Mapping[str, int], token: str, ca_file: Path) -> None:
        self._directory = directory
        self._ports = ports
        self._numbers = itertools.count()
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/apply-patch+yaml"}
        self._tls = ssl.create_default_context(cafile=str(ca_file))

    def write(self, namespace: str, pod: str, logs: Mapping[str, Lines], previous: Mapping[str, Lines]) -> None:
        """Write the files and return when kwok has them."""
        mark = f"write-{next(self._numbers)}"
        now = datetime.datetime.now(datetime.UTC)
        all_logs: Mapping[str, Lines] = {**logs, mark: [(now, mark.encode())]}
        entries: dict[str, dict[str, object]] = {}
        for field, given in ("logsFile", all_logs), ("previousLogsFile", previous):
            for name, lines in given.items():
                file = self._write(f"{namespace}_{pod}_{name}.{field}", lines)
                entries.setdefault(name, {"containers": [name]})[field] = file
        kind = {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Logs"}
        body = json.dumps(
            {**kind, "metadata": {"name": pod, "namespace": namespace}, "spec": {"logs": [*entries.values()]}}
        )
        path = f"/apis/kwok.x-k8s.io/v1alpha1/namespaces/{namespace}/logs/{pod}?fieldManager=tests&force=true"
        eventually(lambda: self._ask("kube-apiserver", "PATCH", path, body)[0] in {200, 201}, "the Logs are stored")
        # Only this very version of the object has a container of that name with that log.
        path = f"/containerLogs/{namespace}/{pod}/{mark}"
        eventually(lambda: self._ask("kwok", "GET", path) == (200, mark.encode()), f"kwok has the log of {pod}")

    def _write(self, name: str, lines: Lines) -> str:
        path = self._directory / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.writelines(map(written, lines))
        return str(path)

    def _ask(self, component: str, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        port = self._ports[component]
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=REQUEST_SECONDS, context=self._tls)
        try:
            connection.request(method, path, body, self._headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def written(line: tuple[datetime.datetime, bytes]) -> bytes:
    """Return a line as it stands in a log file, whose format is the CRI's."""
    time, text = line
    tag = b"F" if text.endswith(b"\n") else b"P"
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.%f000Z").encode()
    return b"%b stdout %b %b\n" % (stamp, tag, text.removesuffix(b"\n"))
