"""Jobs that log, and their logs as the apiserver itself has them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tests.callers import Answer, Caller
from tests.contract.paths import direct_jobs, job
from tests.contract.waiting import pods_when

JSON = {"Content-Type": "application/json"}
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


def container(name: str, script: str, **more: Any) -> dict[str, Any]:
    """Return a container that runs a script."""
    return {"name": name, "image": "busybox", "command": ["sh", "-c", script], **more}


def logging(
    name: str,
    *containers: dict[str, Any],
    init: Sequence[dict[str, Any]] = (),
    annotations: Mapping[str, str] | None = None,
    policy: str = "Never",
    **spec: Any,
) -> bytes:
    """Return a Job, as JSON, of these containers."""
    pod = {"restartPolicy": policy, "initContainers": list(init), "containers": list(containers)}
    template = {"metadata": {"annotations": dict(annotations or {})}, "spec": pod}
    manifest = {"metadata": {"name": name}, "spec": {**spec, "template": template}}
    return msgspec.json.encode({"apiVersion": "batch/v1", "kind": "Job", **manifest})


def printing(name: str, script: str, **spec: Any) -> bytes:
    """Return a Job of one container that runs a script."""
    return logging(name, container("main", script), **spec)


def log(namespace: str, name: str, query: str = "") -> str:
    """The service's path of a Job's log."""
    return f"{job(namespace, name)}/log{f'?{query}' if query else ''}"


async def create(direct: Caller, namespace: str, manifest: bytes) -> Any:
    """Create a Job, and return it."""
    created = await direct("POST", direct_jobs(namespace), manifest, JSON)
    assert created.status == 201, created
    return created.json


async def pods_in(direct: Caller, namespace: str, count: int, *phases: str) -> list[Any]:
    """Return the namespace's pods, in the order of their logs, once there are so many in certain phases."""

    def holds(pods: list[Any]) -> bool:
        return len(pods) == count and all(pod["status"].get("phase") in phases for pod in pods)

    found = await pods_when(direct, namespace, holds)
    return sorted(found, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))


def name_of(pod: Any) -> str:
    """Return a pod's name."""
    name: str = pod["metadata"]["name"]
    return name


async def own_log(direct: Caller, namespace: str, pod: str, query: str = "") -> Answer:
    """Return the log of one container as the apiserver has it."""
    return await direct("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}/log?{query}")


def with_prefix(pod: str, container_name: str, text: bytes) -> bytes:
    """Return lines as they stand in the log of a Job."""
    prefix = f"[pod/{pod}/{container_name}] ".encode()
    return b"".join(prefix + line for line in text.splitlines(keepends=True))
