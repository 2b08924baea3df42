"""A read that is known takes a place as any other, and its connection has the deadlines of any other."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from tests.api.test_admission import assert_is_refused, held
from tests.api.test_metrics import requests, value
from tests.cache.conftest import StartFront
from tests.callers import assert_is_status
from tests.prompt import CACHED, ONE, Apiserver, Ways, connected, head, learn, plain, synced
from tests.upstream import Received, json_answer
from tests.waiting import eventually

ANN = {"Authorization": "Bearer ann"}
# Whatever has this for its deadline never meets it.
NEVER = 3600.0
SOON = 0.3
READS = pytest.mark.parametrize("path", [ONE, CACHED], ids=["consistent", "cached"])


@pytest.mark.parametrize("path", [ONE, CACHED])
async def test_a_known_read_beyond_the_bound_is_429_and_the_place_is_free_again(
    front: StartFront, ways: Ways, path: str
) -> None:
    apiserver = Apiserver()
    service = await front(apiserver.answer, cache=True, max_requests_inflight=1)
    await synced(service)
    await learn(service, ONE, CACHED)
    apiserver.gate.clear()
    async with connected(service.api.url) as first, connected(service.api.url) as second:
        first.send(ONE)
        await eventually(lambda: len(apiserver.arrived) == 2)
        assert held(service) == 1
        answers = []
        for closed in (False, True):
            ways.closed = closed
            answers.append(await second.ask(path))
            assert_is_refused(answers[-1], "--max-requests-inflight")
        assert plain(answers[0]) == plain(answers[1])
        assert value(service.app, "requests_rejected_total", bound="requests") == 2
        apiserver.gate.set()
        ways.closed = False
        assert (await first.answer()).status == 200
        assert held(service) == 0
        assert (await second.ask(path)).status == 200
    assert ways.gone == (2, 2)


@pytest.mark.parametrize("mode", ["none", "delegated"])
async def test_of_two_that_come_at_once_the_one_beyond_the_bound_is_429(
    front: StartFront, ways: Ways, mode: str
) -> None:
    apiserver = Apiserver()

    async def answer(request: Received) -> bytes | AsyncIterator[bytes] | None:
        if request.target.endswith("reviews"):
            verdict = {"authenticated": True, "allowed": True, "user": {"username": "ann"}}
            return json_answer(201, msgspec.json.encode({"status": verdict}))
        return await apiserver.answer(request)

    bound = "max_requests_inflight" if mode == "none" else "max_requests_inflight_per_caller"
    settings: dict[str, Any] = {"auth_mode": mode, bound: 1}
    service = await front(answer, token="own", **settings)
    headers = ANN if mode == "delegated" else {}
    await learn(service, ONE, headers=headers)
    apiserver.gate.clear()
    async with connected(service.api.url) as first, connected(service.api.url) as second:
        for each in (first, second):
            await each.ask("/livez")  # so that both are served already
        for each in (first, second):
            each.send(ONE, headers)  # no turn of the event loop is between them
        await eventually(lambda: len(apiserver.arrived) == 2)
        done, waiting = await asyncio.wait(
            [asyncio.create_task(each.answer()) for each in (first, second)], return_when=asyncio.FIRST_COMPLETED
        )
        assert_is_refused(done.pop().result(), "--" + bound.replace("_", "-"))
        apiserver.gate.set()
        assert (await waiting.pop()).status == 200
        for each in (first, second):
            assert (await each.ask(ONE, headers)).status == 200
    assert held(service) == 0
    assert requests(service.app, "client_error", 429) == 1
    assert requests(service.app, "canceled") == 0


@READS
async def test_a_connection_without_a_next_request_is_closed(front: StartFront, ways: Ways, path: str) -> None:
    service = await front(Apiserver().answer, cache=True, idle_seconds=SOON, head_seconds=NEVER)
    await synced(service)
    await learn(service, path)
    async with connected(service.api.url) as connection:
        for _ in range(2):
            assert (await connection.ask(path)).status == 200
        assert await connection.reader.read() == b""
    assert ways.gone == (2, 1)


@READS
@pytest.mark.parametrize("pieces", [[b"GET /"], [b"G", b"E", b"T"]])
async def test_a_head_that_begins_behind_a_prompt_answer_and_dawdles_is_408(
    front: StartFront, ways: Ways, path: str, pieces: list[bytes]
) -> None:
    service = await front(Apiserver().answer, cache=True, idle_seconds=NEVER, head_seconds=SOON)
    await synced(service)
    await learn(service, path)
    async with connected(service.api.url) as connection:
        assert (await connection.ask(path)).status == 200
        for piece in pieces:
            connection.writer.write(piece)
            await asyncio.sleep(0.01)
        assert_is_status(await connection.answer(), 408, "Timeout")
        assert await connection.reader.read() == b""
    assert ways.gone == (1, 1)


@READS
async def test_a_head_that_never_begins_is_no_408_however_long_it_takes(
    front: StartFront, ways: Ways, path: str
) -> None:
    service = await front(Apiserver().answer, cache=True, idle_seconds=NEVER, head_seconds=SOON)
    await synced(service)
    await learn(service, path)
    async with connected(service.api.url) as connection:
        for _ in range(2):
            assert (await connection.ask(path)).status == 200
            await asyncio.sleep(2 * SOON)
        assert (await connection.ask(path)).status == 200
    assert ways.gone == (3, 1)


@pytest.mark.parametrize("before", [0, 1], ids=["the first of its connection", "a later one"])
@pytest.mark.parametrize("behind", [b"", b"GET /l"], ids=["alone", "with half a head behind it"])
async def test_a_read_that_takes_longer_than_any_deadline_of_its_connection_is_answered(
    front: StartFront, ways: Ways, before: int, behind: bytes
) -> None:
    apiserver = Apiserver()
    service = await front(apiserver.answer, idle_seconds=SOON, head_seconds=SOON)
    await learn(service, ONE)
    async with connected(service.api.url) as connection:
        for _ in range(before):
            assert (await connection.ask(ONE)).status == 200
        apiserver.gate.clear()
        connection.writer.write(head(ONE))
        await eventually(lambda: len(apiserver.arrived) == 2 + before)
        connection.writer.write(behind)
        await asyncio.sleep(4 * SOON)
        apiserver.gate.set()
        assert (await connection.answer()).status == 200
        if behind:
            connection.writer.write(head("/livez")[len(behind) :])
            assert (await connection.answer()).body == b"ok"
        assert await connection.reader.read() == b""
    assert ways.gone == (1 + before, 1)
