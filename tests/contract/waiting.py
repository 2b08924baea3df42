"""Waits until the controllers have done their part, by asking the apiserver itself."""

import asyncio
from collections.abc import Callable
from typing import Any

from tests.callers import Caller
from tests.contract.paths import direct_job
from tests.waiting import WATCHDOG_SECONDS


async def job_when(direct: Caller, namespace: str, name: str, holds: Callable[[dict[str, Any]], bool]) -> Any:
    """Return the Job once something holds of it."""
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while True:
            answer = await direct("GET", direct_job(namespace, name))
            if answer.status == 200 and holds(answer.json):
                return answer.json
            await asyncio.sleep(0.1)


async def at_rest(direct: Caller, namespace: str, name: str) -> None:
    """Wait until the controller has said Suspended of a suspended Job; then nothing changes it any more."""
    await job_when(direct, namespace, name, lambda found: bool(found.get("status", {}).get("conditions")))


async def pods_when(direct: Caller, namespace: str, holds: Callable[[list[Any]], bool]) -> list[Any]:
    """Return the namespace's pods once something holds of them."""
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while True:
            pods: list[Any] = (await direct("GET", f"/api/v1/namespaces/{namespace}/pods")).json["items"]
            if holds(pods):
                return pods
            await asyncio.sleep(0.1)
