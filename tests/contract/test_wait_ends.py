"""Section 6 of the contract: many waits at once, callers who leave, and a service that ends."""

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp
import pytest

from tests.callers import Caller, assert_is_status
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs
from tests.contract.served import serving
from tests.waiting import eventually

YAML = {"Content-Type": "application/yaml"}
JOBS = 20
WAITERS = 200
WAITERS_WITHOUT_CACHE = 40


async def create(direct: Caller, namespace: str, name: str) -> None:
    assert (await direct("POST", direct_jobs(namespace), suspended(name), YAML)).status == 201


async def test_200_waiters_of_20_jobs_are_all_answered(
    backend: Backend, direct: Caller, namespace: str, tmp_path: Path
) -> None:
    names = [f"one-{number}" for number in range(JOBS)]
    await asyncio.gather(*(create(direct, namespace, name) for name in names))
    own_watch = f"{direct_jobs(namespace)}?watch=true"
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        serving(backend, tmp_path, session, cache=True) as cached,
        serving(backend, tmp_path, session, cache=False) as uncached,
    ):
        asked = [(cached, WAITERS), (uncached, WAITERS_WITHOUT_CACHE)]
        waiting = [
            asyncio.create_task(service.wait(namespace, names[number % JOBS], "for=delete&timeoutSeconds=3600"))
            for service, waiters in asked
            for number in range(waiters)
        ]
        await eventually(lambda: cached.awaited == JOBS and uncached.asked(own_watch) == WAITERS_WITHOUT_CACHE)
        await asyncio.gather(*(direct("DELETE", direct_job(namespace, name)) for name in names))
        for answer in await asyncio.gather(*waiting):
            assert (answer.status, answer.json["status"]) == (200, "Success"), answer
        assert cached.awaited == 0
        # One watch for all where there is a cache, and callers who come at the same time share their reads.
        assert cached.asked(own_watch) == 0
        assert cached.asked(direct_job(namespace, "one-")) < WAITERS


@pytest.mark.parametrize("cache", [True, False])
async def test_a_waiter_that_hangs_up_leaves_nothing_behind(
    backend: Backend,
    direct: Caller,
    namespace: str,
    tmp_path: Path,
    http_client: aiohttp.ClientSession,
    cache: bool,
) -> None:
    await create(direct, namespace, "one")
    async with serving(backend, tmp_path, http_client, cache=cache) as service:
        waiting = asyncio.create_task(service.wait(namespace, "one", "timeoutSeconds=3600"))
        own_watch = f"{direct_jobs(namespace)}?watch=true"
        await eventually(lambda: service.awaited == 1 if cache else service.asked(own_watch) == 1)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        if cache:
            await eventually(lambda: service.awaited == 0)
        else:
            # That of the first read is kept for the next one.
            await eventually(lambda: service.proxy.open_connections <= 1)


@pytest.mark.parametrize("cache", [True, False])
async def test_a_service_that_shuts_down_tells_its_waiters_to_ask_again(
    backend: Backend,
    direct: Caller,
    namespace: str,
    tmp_path: Path,
    http_client: aiohttp.ClientSession,
    cache: bool,
) -> None:
    await create(direct, namespace, "one")
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(serving(backend, tmp_path, http_client, cache=cache))
        waiting = asyncio.create_task(service.wait(namespace, "one", "timeoutSeconds=3600"))
        await eventually(lambda: service.reads(namespace, "one"))
        await stack.aclose()
        refused = await waiting
        assert "shutting down" in assert_is_status(refused, 503, "ServiceUnavailable")["message"]
        assert refused.headers["Retry-After"] == "1"
