"""Hundreds of Jobs at once finish in the sandbox, and in the long form a thousand; memory is looked at."""

import asyncio
import time

import aiohttp
import pytest

from tests.callers import Caller
from tests.conftest import Figure
from tests.contract.manifests import SLEEP1
from tests.contract.paths import jobs
from tests.processes import RunService
from tests.waiting import WATCHDOG_SECONDS

JOBS = 250
SOAKING_JOBS = 1_000
_AT_ONCE = 16
# Jobs, pods and events of a thousand Jobs are some 20 MB of JSON, and the past that is remembered as much again.
_MOST_BYTES = 256 * 1024 * 1024


async def create(api: Caller, count: int) -> None:
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            manifest = SLEEP1.replace(b"completions: 3", b"completions: 1").replace(b"sleep1", b"job-%d" % number)
            assert (await api("POST", jobs("default"), manifest)).status == 201

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))


@pytest.mark.soak
async def test_many_jobs_at_once_are_created_and_finished(
    run: RunService, http_client: aiohttp.ClientSession, figure: Figure, soaking: bool
) -> None:
    count = SOAKING_JOBS if soaking else JOBS
    began = time.perf_counter()
    async with run("--sandbox") as service:
        api = Caller(http_client, await service.url(), {})
        figure(f"the service on the sandbox serves {time.perf_counter() - began:.1f} s after its start")
        before = service.peak_memory()
        await create(api, count)
        async with asyncio.timeout(WATCHDOG_SECONDS):
            # Asked for one at a time: what is measured is the sandbox, not the lists of it.
            while (await api("GET", jobs("default") + "?limit=1&fieldSelector=status.successful!=1")).json["items"]:
                await asyncio.sleep(1)
        assert len((await api("GET", jobs("default"))).json["items"]) == count
        peak = service.peak_memory()
    figure(f"{count} Jobs in the sandbox: peak memory {before / 1e6:.0f} MB before, {peak / 1e6:.0f} MB after")
    assert peak < _MOST_BYTES
