"""What becomes of a read that is known when the service ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from service.api import keys
from service.server import running
from service.setting_values import Address
from service.settings import default_settings
from tests.api.test_metrics import requests
from tests.cache.jobs import raw_job
from tests.prompt import CACHED, ONE, Apiserver, Connection, Ways, connected
from tests.upstream import Upstream
from tests.waiting import eventually

BOTH = pytest.mark.parametrize("closed", [False, True], ids=["prompt", "routes"])


@asynccontextmanager
async def ending(
    folder: Path, apiserver: Apiserver, **settings: Any
) -> AsyncIterator[tuple[web.Application, Connection, AsyncExitStack]]:
    """Run the service in front of an apiserver, with a connection whose read is known; yield what ends it."""
    async with Upstream(apiserver.answer) as upstream, AsyncExitStack() as service:
        given = {"listen": Address("127.0.0.1", 0), "kubeconfig": upstream.kubeconfig(folder), **settings}
        app, url = await service.enter_async_context(running(default_settings(**given)))
        async with connected(url) as connection:
            if app[keys.LIVE_JOBS].enabled:
                await eventually(lambda: app[keys.LIVE_JOBS].is_synced(None))
            for path in (ONE, CACHED):
                assert (await connection.ask(path)).status == 200
            yield app, connection, service


@BOTH
@pytest.mark.parametrize("told", [False, True], ids=["at once", "with a grace"])
@pytest.mark.parametrize("filling", [0, 100_000], ids=["short", "grown"])
async def test_a_read_that_is_under_way_is_answered_and_its_connection_ends(
    tmp_path: Path, ways: Ways, closed: bool, told: bool, filling: int
) -> None:
    apiserver = Apiserver()
    async with ending(tmp_path, apiserver, cache=False) as (app, connection, service):
        apiserver.gate.clear()
        apiserver.jobs["one"] = raw_job("one", 6, filling=filling)
        ways.closed = closed
        begun = len(apiserver.arrived)
        connection.send(ONE)
        await eventually(lambda: len(apiserver.arrived) > begun)
        app[keys.READINESS].draining = told
        stopping = asyncio.create_task(service.aclose())
        await asyncio.sleep(0.05)
        assert not stopping.done()
        apiserver.gate.set()
        answer = await connection.answer()
        assert (answer.status, answer.body) == (200, raw_job("one", 6, filling=filling))
        assert answer.headers.get("Connection") == "close" or (filling and not told)
        assert await connection.reader.read() == b""
        await stopping
    assert ways.prompt == (not closed and not filling)


@BOTH
@pytest.mark.parametrize("path", [ONE, CACHED])
async def test_during_the_grace_a_read_is_answered_and_told_that_the_connection_ends(
    tmp_path: Path, ways: Ways, closed: bool, path: str
) -> None:
    async with ending(tmp_path, Apiserver(), cache=True) as (app, connection, _):
        ways.closed = closed
        prompt = ways.prompt
        app[keys.READINESS].draining = True
        answer = await connection.ask(path)
        assert (answer.status, answer.headers["Connection"]) == (200, "close")
        assert await connection.reader.read() == b""
        assert ways.prompt == prompt + (not closed)


@BOTH
async def test_a_read_that_takes_longer_than_the_drain_is_cut(tmp_path: Path, ways: Ways, closed: bool) -> None:
    apiserver = Apiserver()
    async with ending(tmp_path, apiserver, cache=False, shutdown_drain_seconds=0.1) as (app, connection, service):
        apiserver.gate.clear()
        ways.closed = closed
        begun = len(apiserver.arrived)
        connection.send(ONE)
        await eventually(lambda: len(apiserver.arrived) > begun)
        await service.aclose()
        assert await connection.reader.read() == b""
        assert requests(app, "canceled") == 1
        apiserver.gate.set()
