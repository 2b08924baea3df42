"""An upstream with one Job and as many pods and events as a test likes, which it lists in pages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.upstream import Received, json_answer

UID = "0c6e0b1c-6a39-4ed0-a11b-2f4ff3b7ff3a"
OWNER = {"uid": UID, "controller": True}
EXPIRED = b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}'


def job(*, manual: bool = False) -> dict[str, Any]:
    """Return a Job."""
    selector = {"matchLabels": {"a": "x"}}
    return {"metadata": {"name": "one", "uid": UID}, "spec": {"selector": selector, "manualSelector": manual}}


def pod(name: str, uid: str, *owners: dict[str, Any]) -> dict[str, Any]:
    """Return a pod, of the Job unless its owners say otherwise."""
    return {"metadata": {"name": name, "uid": uid, "ownerReferences": list(owners or (OWNER,))}}


def event(kind: str, name: str, uid: str, message: str = "", **more: Any) -> dict[str, Any]:
    """Return an event about an object; of a Job, one that it has made a pod."""
    about = {"kind": kind, "name": name, "uid": uid}
    times = {"eventTime": None, "lastTimestamp": None, "metadata": {"creationTimestamp": None}}
    return {"involvedObject": about, "reason": "SuccessfulCreate", "message": message, **times, **more}


@dataclass(slots=True)
class Paged:
    """Answers as an apiserver does whose namespace holds these.

    Attributes:
        job: the one Job.
        pods: the pods, whatever selects them.
        events: the events.
        expiring: how many of the next pages that are no first ones come too late.
        asked: the paths of all requests, in order.
    """

    job: dict[str, Any] = field(default_factory=job)
    pods: Sequence[dict[str, Any]] = ()
    events: Sequence[dict[str, Any]] = ()
    expiring: int = 0
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: Received) -> bytes:
        """Answer a request."""
        url = urlsplit(request.target)
        self.asked.append(url.path.rpartition("/")[2])
        if "/jobs/" in url.path:
            return json_answer(200, msgspec.json.encode(self.job))
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if "continue" in query and self.expiring:
            self.expiring -= 1
            return json_answer(410, EXPIRED)
        start, items = int(query.get("continue", 0)), self.pods if url.path.endswith("/pods") else self.events
        end = start + int(query.get("limit", len(items)))
        metadata = {"resourceVersion": "7"} | ({"continue": str(end)} if end < len(items) else {})
        return json_answer(200, msgspec.json.encode({"metadata": metadata, "items": items[start:end]}))
