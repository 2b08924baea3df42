"""The one line that a request leaves in the log."""

import time
from dataclasses import dataclass, field

import structlog

# The logger's name.
AUDIT = "service.audit"
_log = structlog.stdlib.get_logger(AUDIT)


@dataclass(slots=True)
class AuditRecord:
    """What is told of one request; filled in as it becomes known.

    Attributes:
        request_id: the X-Request-Id of the request and of its answer.
        method: the HTTP method.
        path: the path as it came, still percent-encoded, without the query.
        user: who called, where that was asked.
        verb: the Kubernetes verb, once the route is known.
        resource: the plural of the resource that the verb is about.
        namespace: the namespace, empty for all.
        name: the object's name, empty for a list or a create.
        upstream_audit_id: the apiserver's Audit-Id, under which its own audit log has the request.
        aborted: the answer could not be finished, and the connection was cut.
        code: the status code that was answered; None when the caller left before one was.
        outcome: how it ended, in the words of the metric, where its code does not say so.
        is_stream: it is a watch, a wait or a log that is followed.
    """

    request_id: str
    method: str
    path: str
    user: str = ""
    verb: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    upstream_audit_id: str | None = None
    aborted: bool = False
    code: int | None = None
    outcome: str = ""
    is_stream: bool = False
    started: float = field(default_factory=time.perf_counter)

    def about(self, verb: str, resource: str, namespace: str = "", name: str = "") -> None:
        """Say what the request asks for, in the words of an RBAC rule."""
        self.verb, self.resource, self.namespace, self.name = verb, resource, namespace, name

    def write(self) -> None:
        """Write the line."""
        _log.info(
            "request",
            request_id=self.request_id,
            method=self.method,
            path=self.path,
            user=self.user,
            verb=self.verb,
            resource=self.resource,
            namespace=self.namespace,
            name=self.name,
            code=self.code,
            aborted=self.aborted,
            duration_ms=round((time.perf_counter() - self.started) * 1000, 3),
            upstream_audit_id=self.upstream_audit_id,
        )
