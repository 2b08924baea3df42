"""A caller, or the apiserver, who hangs up in the middle of a read that is known, perhaps with more behind it."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.api.gated import MANIFEST
from tests.api.test_admission import held
from tests.api.test_metrics import requests
from tests.cache.conftest import StartFront
from tests.cache.jobs import raw_job
from tests.contract.paths import jobs
from tests.faults.test_prompt_reads import MINE, lines
from tests.prompt import ONE, Apiserver, Ways, connected, head, learn
from tests.upstream import Received, json_answer
from tests.waiting import eventually

WHOLE = json_answer(200, raw_job("one", 5))


@pytest.mark.parametrize("behind", [b"", b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"], ids=["", "with more"])
@pytest.mark.parametrize("closed", [False, True], ids=["prompt", "routes"])
async def test_a_caller_who_hangs_up_frees_the_read_upstream(
    front: StartFront, ways: Ways, caplog: pytest.LogCaptureFixture, closed: bool, behind: bytes
) -> None:
    caplog.set_level("INFO", "service.audit")
    apiserver = Apiserver()
    service = await front(apiserver.answer)
    await learn(service, ONE)
    lines(caplog)
    apiserver.gate.clear()
    ways.closed = closed
    async with connected(service.api.url) as connection:
        connection.send(ONE, MINE)
        await eventually(lambda: len(apiserver.arrived) == 2)
        assert service.upstream.open_connections == 1
        connection.writer.write(behind)
        await connection.writer.drain()
    await eventually(lambda: service.upstream.open_connections == 0)
    (line,) = await eventually(lambda: lines(caplog))
    assert "request_id='mine'" in line
    assert "code=None" in line
    assert requests(service.app, "canceled") == 1
    assert held(service) == 0
    assert ways.routed == 1 + closed


@pytest.mark.parametrize("closed", [False, True], ids=["prompt", "routes"])
async def test_nothing_is_done_that_comes_behind_an_answer_that_breaks_off(
    front: StartFront, ways: Ways, closed: bool
) -> None:
    apiserver = Apiserver()
    service = await front(apiserver.answer)
    await learn(service, ONE)

    async def pieces() -> AsyncIterator[bytes]:
        yield WHOLE[:-20]

    async def instead(_: Received) -> AsyncIterator[bytes]:
        return pieces()

    apiserver.gate.clear()
    apiserver.instead = instead
    ways.closed = closed
    created = head(jobs("default"), {"Content-Length": str(len(MANIFEST))}, method="POST") + MANIFEST
    async with connected(service.api.url) as connection:
        connection.send(ONE)
        await eventually(lambda: len(apiserver.arrived) == 2)
        connection.writer.write(created)
        await connection.writer.drain()
        apiserver.gate.set()
        with suppress(ConnectionError):
            assert not await connection.reader.read()
    assert (await service.api("GET", "/livez")).status == 200
    assert [each.method for each in apiserver.arrived] == ["GET", "GET"]
    assert ways.routed == 1 + closed
