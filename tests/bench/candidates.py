"""The servers that are compared: each answers for the same Jobs, at its own address."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .http_json import Connection

KUBERNETES = "/apis/batch/v1/namespaces/{namespace}/jobs"
RAW = "/api/v1/_raw/job/namespace/{namespace}"
KUBERNETES_LOG = "/api/v1/namespaces/{namespace}/pods/{pod}/log"
RAW_LOG = RAW + "/name/{job}/log?pod={pod}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server to measure.

    Attributes:
        name: as the report calls it.
        pid: the process whose processor time and memory count.
        collection: the path of a namespace's Jobs, with a field for the namespace.
        member: what lies between that path and a Job's name.
        log: the path of a pod's log, with fields for the namespace, the Job and the pod.
        authorization: what the header of that name says, if the server asks for one.
        ca_file: verifies the server, if it speaks TLS.
        ready_seconds: how long it took from its start until it was ready, where that was looked at.
        synced_seconds: likewise, until it had cached all Jobs.
    """

    name: str
    url: str
    pid: int
    collection: str = KUBERNETES
    member: str = "/"
    log: str = KUBERNETES_LOG
    authorization: str = field(default="", repr=False)
    ca_file: Path | None = None
    ready_seconds: float = 0.0
    synced_seconds: float = 0.0

    def list_path(self, namespace: str, query: str = "") -> str:
        """Return the path of a namespace's Jobs, with a query if one is given."""
        return self.collection.format(namespace=namespace) + (f"?{query}" if query else "")

    def job_path(self, namespace: str, name: str, query: str = "") -> str:
        """Return the path of one Job, with a query if one is given."""
        return f"{self.list_path(namespace)}{self.member}{name}" + (f"?{query}" if query else "")

    def log_path(self, namespace: str, job: str, pod: str) -> str:
        """Return the path of the log of a Job's pod."""
        return self.log.format(namespace=namespace, job=job, pod=pod)

    def connection(self) -> Connection:
        """Return a connection for a `with` block."""
        tls = None if self.ca_file is None else ssl.create_default_context(cafile=str(self.ca_file))
        return Connection(self.url, {"Authorization": self.authorization} if self.authorization else {}, tls)

    def get(self, path: str) -> Any:
        """Return what is at a path, as JSON."""
        with self.connection() as connection:
            return connection.get(path)
