"""Jobs as an apiserver would write them, and what a watch says of them."""

from collections.abc import Mapping

import msgspec

from service.kube.jobs import Job, read_job


def raw_job(
    name: str,
    version: int,
    *,
    namespace: str = "default",
    labels: Mapping[str, str] | None = None,
    uid: str = "u",
    filling: int = 0,
    as_item: bool = False,
    **status: object,
) -> bytes:
    """Return a Job's JSON; an item of a list lacks kind and apiVersion."""
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": uid,
        "resourceVersion": str(version),
        "labels": dict(labels or {}),
        **({"annotations": {"filling": "x" * filling}} if filling else {}),
    }
    head = {} if as_item else {"kind": "Job", "apiVersion": "batch/v1"}
    return msgspec.json.encode({**head, "metadata": metadata, "status": status})


def a_job(
    name: str,
    version: int,
    *,
    namespace: str = "default",
    labels: Mapping[str, str] | None = None,
    uid: str = "u",
    filling: int = 0,
) -> Job:
    """Return a Job as the cache holds it."""
    return read_job(raw_job(name, version, namespace=namespace, labels=labels, uid=uid, filling=filling))


def event(type_: str, raw: bytes) -> bytes:
    """Return a line of a watch."""
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), raw)


def bookmark(version: int, *, ends: bool = False) -> bytes:
    """Return the line of a bookmark."""
    annotations = {"annotations": {"k8s.io/initial-events-end": "true"}} if ends else {}
    metadata = {"resourceVersion": str(version), **annotations}
    return event("BOOKMARK", msgspec.json.encode({"kind": "Job", "apiVersion": "batch/v1", "metadata": metadata}))


def status(code: int, reason: str = "Whatever") -> bytes:
    """Return a Status that says that something failed."""
    return msgspec.json.encode(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "told by a test",
            "reason": reason,
            "code": code,
        }
    )
