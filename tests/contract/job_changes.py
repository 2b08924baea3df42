"""What the watch tests do to Jobs, past the service."""

from collections.abc import Mapping

import msgspec

from service.sandbox.store import Key, Store
from tests.callers import Caller
from tests.contract.paths import direct_job, direct_jobs

YAML = {"Content-Type": "application/yaml"}
_MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


def quiet(name: str, labels: str = "{}") -> bytes:
    """Return a Job that no controller ever touches, so that nothing happens to it but what a test does."""
    return f"""\
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}, labels: {labels}}}
spec:
  managedBy: tests.example/nobody
  template:
    spec:
      containers: [{{name: main, image: busybox}}]
      restartPolicy: Never
""".encode()


def brief(name: str, labels: str = "{}") -> bytes:
    """Return a Job that is complete in a moment."""
    return (
        quiet(name, labels)
        .replace(b"  managedBy: tests.example/nobody\n", b"")
        .replace(b"image: busybox", b"image: busybox, command: [echo, done]")
    )


async def create(direct: Caller, namespace: str, *names: str, labels: str = "{}") -> int:
    """Create quiet Jobs, one after the other, and return the last one's resourceVersion."""
    return [await create_from(direct, namespace, quiet(name, labels)) for name in names][-1]


async def create_from(direct: Caller, namespace: str, manifest: bytes) -> int:
    """Create a Job, and return its resourceVersion."""
    created = await direct("POST", direct_jobs(namespace), manifest, YAML)
    assert created.status == 201, created
    return int(created.json["metadata"]["resourceVersion"])


async def delete(direct: Caller, namespace: str, name: str, policy: str = "Background") -> None:
    """Delete a Job."""
    answer = await direct("DELETE", f"{direct_job(namespace, name)}?propagationPolicy={policy}")
    assert answer.status == 200, answer


async def relabel(
    direct: Caller, store: Store | None, namespace: str, name: str, labels: Mapping[str, str | None]
) -> int:
    """Change some of a Job's labels, None removes one, and return its resourceVersion.

    Args:
        direct: the apiserver.
        store: what the sandbox keeps its Jobs in, since it has no PATCH; None for a real apiserver.
        namespace: the Job's namespace.
        name: the Job's name.
        labels: what changes.
    """
    if store is None:
        patch = msgspec.json.encode({"metadata": {"labels": labels}})
        answer = await direct("PATCH", direct_job(namespace, name), patch, _MERGE_PATCH)
        assert answer.status == 200, answer
        return int(answer.json["metadata"]["resourceVersion"])
    stored = store.get(Key("jobs", namespace, name))
    assert stored is not None
    job = stored.decoded()
    changed = {**job["metadata"].get("labels", {}), **labels}
    job["metadata"]["labels"] = {key: value for key, value in changed.items() if value is not None}
    updated = store.update("jobs", job)
    assert updated is not None
    return updated.resource_version
