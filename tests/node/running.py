"""Jobs whose containers run a script, and what is seen of them through the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from tests.callers import Answer, Caller
from tests.contract.paths import job, jobs
from tests.waiting import WATCHDOG_SECONDS

_NO_END = aiohttp.ClientTimeout(total=None)


def script_job(name: str, script: str, *, containers: int = 1, image: str = "busybox", **spec: Any) -> bytes:
    """Return a Job whose containers (main, and second, …) each run a shell script."""
    pod = {
        "restartPolicy": spec.pop("restartPolicy", "Never"),
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {"name": each, "image": image, "command": ["sh", "-c", script]}
            for each in ("main", "second", "third")[:containers]
        ],
    }
    return msgspec.json.encode(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": {**spec, "template": {"spec": pod}},
        }
    )


async def create(api: Caller, namespace: str, manifest: bytes) -> None:
    """Create a Job through the service."""
    answer = await api("POST", jobs(namespace), manifest)
    assert answer.status == 201, answer


async def finished(api: Caller, namespace: str, name: str) -> None:
    """Wait for a Job's end through the service."""
    answer = await api("GET", f"{job(namespace, name)}/wait?timeoutSeconds={WATCHDOG_SECONDS:.0f}")
    assert answer.status == 200, answer


async def log(api: Caller, namespace: str, name: str, query: str = "") -> Answer:
    """Read a Job's log through the service."""
    return await api("GET", f"{job(namespace, name)}/log?{query}")


async def pods(api: Caller, namespace: str, name: str) -> list[Any]:
    """Return a Job's pods."""
    found: list[Any] = (await api("GET", f"{job(namespace, name)}/pod")).json["items"]
    return found


@asynccontextmanager
async def followed(
    api: Caller, namespace: str, name: str, query: str = ""
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Follow a Job's log through the service."""
    url = f"{api.url}{job(namespace, name)}/log?follow=true&{query}"
    async with api.session.get(url, timeout=_NO_END) as response:
        assert response.status == 200, await response.read()
        yield response


async def next_line(response: aiohttp.ClientResponse) -> bytes:
    """Return the next line of a log that is followed; empty at its end."""
    async with asyncio.timeout(WATCHDOG_SECONDS):
        return await response.content.readline()


async def whole(response: aiohttp.ClientResponse) -> bytes:
    """Return what comes until the log's end."""
    async with asyncio.timeout(3 * WATCHDOG_SECONDS):
        return await response.read()
