"""Jobs that log, and their logs as the apiserver itself has them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from tests.callers import Answer, Caller
from tests.contract.paths import direct_jobs, job
from tests.contract.waiting import pods_when
from tests.waiting import WATCHDOG_SECONDS

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


@dataclass(frozen=True, slots=True)
class Followed:
    """A log that is followed."""

    response: aiohttp.ClientResponse

    async def line(self) -> bytes:
        """Return the next line; nothing at an end that was no break."""
        async with asyncio.timeout(WATCHDOG_SECONDS):
            return await self.response.content.readline()

    async def rest(self) -> bytes:
        """Return what comes until the end, which was no break."""
        async with asyncio.timeout(WATCHDOG_SECONDS):
            return await self.response.content.read()


@asynccontextmanager
async def following(caller: Caller, namespace: str, name: str, query: str = "") -> AsyncIterator[Followed]:
    """Follow a Job's log, and hang up in the end."""
    url = URL(f"{caller.url}{log(namespace, name, f'follow=true&{query}'.rstrip('&'))}", encoded=True)
    async with caller.session.get(url, headers=caller.headers) as response:
        assert response.status == 200, await response.read()
        yield Followed(response)


def by_origin(text: bytes) -> dict[str, list[bytes]]:
    """Return the lines of each container, told by their prefixes."""
    found: dict[str, list[bytes]] = {}
    for line in text.splitlines():
        origin, _, rest = line.partition(b"] ")
        found.setdefault(origin.decode().removeprefix("[pod/"), []).append(rest)
    return found
