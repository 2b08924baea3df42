"""An upstream with one Job and one pod, whose log is what a test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tests.cache.jobs import status
from tests.upstream import Received, http, json_answer

UID = "0c6e0b1c-6a39-4ed0-a11b-2f4ff3b7ff3a"
COMPLETE = {"type": "Complete", "status": "True"}
RUNNING: dict[str, Any] = {"state": {"running": {}}}
ENDED: dict[str, Any] = {"state": {"terminated": {"exitCode": 0}}}
STREAM = http(200, headers={"Content-Type": "text/plain"}, length=False)

Log = Callable[[dict[str, str]], bytes | AsyncIterator[bytes] | None]


def text(body: bytes) -> bytes:
    """Return the answer that is a log."""
    return http(200, body, {"Content-Type": "text/plain"})


def refusal(code: int) -> bytes:
    """Return the answer that is an error."""
    return json_answer(code, status(code))


def line(second: int, content: str) -> bytes:
    """Return a line with its time."""
    return f"2026-01-01T00:00:{second:02}.500000000Z {content}\n".encode()


async def lasting(body: bytes) -> AsyncIterator[bytes]:
    """Yield a log that goes on, but of which nothing more comes."""
    yield STREAM + body
    await asyncio.Event().wait()


async def broken(body: bytes) -> AsyncIterator[bytes]:
    """Yield a log that breaks off."""
    yield http(200, body, {"Content-Type": "text/plain", "Content-Length": "99999"}, length=False)


@dataclass(slots=True)
class LoggingPod:
    """Answers as an apiserver does whose namespace holds these.

    Attributes:
        log: what is answered to a request for the log, from its query.
        conditions: the Job's.
        pods: the states of the one container of each pod, by the pod's name.
        watch_jobs: what is answered to a watch of Jobs; None for one that says nothing.
        asked: the queries of the requests for logs, each with the pod's name.
        reads: how often the Job was read.
    """

    log: Log
    conditions: list[dict[str, str]] = field(default_factory=list)
    pods: dict[str, dict[str, Any]] = field(default_factory=lambda: {"one-x": RUNNING})
    watch_jobs: bytes | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    reads: int = 0
    changed: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)

    def change(self, pod: str, state: dict[str, Any]) -> None:
        """Let a pod be in another state, and tell those who watch."""
        kind = "MODIFIED" if pod in self.pods else "ADDED"
        self.pods[pod] = state
        self.changed.put_nowait(
            b'{"type":"%b","object":%b}\n' % (kind.encode(), msgspec.json.encode(self._pod(pod)))
        )

    async def answer(self, request: Received) -> bytes | AsyncIterator[bytes] | None:
        """Answer a request."""
        url = urlsplit(request.target)
        query = dict(parse_qsl(url.query))
        if url.path.endswith("/log"):
            self.asked.append({"pod": url.path.split("/")[-2], **query})
            return self.log(self.asked[-1])
        if "/jobs/" in url.path:
            self.reads += 1
            return json_answer(200, msgspec.json.encode(self._job()))
        if "watch" not in query:
            items = [self._pod(name) for name in self.pods]
            return json_answer(200, msgspec.json.encode({"metadata": {"resourceVersion": "7"}, "items": items}))
        if url.path.endswith("/jobs"):
            return self.watch_jobs or lasting(b"")
        return self._changes()

    async def _changes(self) -> AsyncIterator[bytes]:
        yield STREAM
        while True:
            yield await self.changed.get()

    def _job(self) -> dict[str, Any]:
        metadata = {"name": "one", "namespace": "default", "uid": UID, "resourceVersion": "7"}
        selector = {"matchLabels": {"a": "x"}}
        return {"metadata": metadata, "spec": {"selector": selector}, "status": {"conditions": self.conditions}}

    def _pod(self, name: str) -> dict[str, Any]:
        metadata = {"name": name, "uid": name, "resourceVersion": "8", "creationTimestamp": "2026-01-01T00:00:00Z"}
        spec = {"restartPolicy": "OnFailure", "containers": [{"name": "main"}]}
        return {
            "metadata": metadata,
            "spec": spec,
            "status": {"containerStatuses": [{"name": "main", **self.pods[name]}]},
        }
