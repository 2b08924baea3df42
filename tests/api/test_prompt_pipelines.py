"""Requests that come one behind the other are answered in their order, whichever way each of them goes."""

import asyncio

import pytest

from tests.api.gated import MANIFEST
from tests.cache.conftest import StartFront
from tests.cache.jobs import raw_job
from tests.callers import assert_is_status
from tests.contract.paths import job, jobs
from tests.prompt import CACHED, ONE, Apiserver, Connection, Ways, connected, head, learn, synced
from tests.waiting import eventually

TWO, NONE = job("default", "two"), job("default", "none")
BIG = {"one": raw_job("one", 5, filling=50_000)}


def both() -> Apiserver:
    return Apiserver(jobs={name: raw_job(name, 5) for name in ("one", "two")})


async def named(connection: Connection) -> str:
    """Return the name of the Job that is answered next, or else the code."""
    answer = await connection.answer()
    return str(answer.json["metadata"]["name"] if answer.status == 200 else answer.status)


@pytest.mark.parametrize("closed", [False, True], ids=["prompt", "routes"])
@pytest.mark.parametrize("apart", [False, True], ids=["in one packet", "apart"])
async def test_what_comes_behind_a_read_that_is_under_way_is_answered_after_it(
    front: StartFront, ways: Ways, closed: bool, apart: bool
) -> None:
    apiserver = both()
    service = await front(apiserver.answer)
    await learn(service, ONE, TWO)
    apiserver.gate.clear()
    ways.closed = closed
    post = head(jobs("default"), {"Content-Length": str(len(MANIFEST))}, method="POST") + MANIFEST
    upgrade = head("/livez", {"Connection": "Upgrade", "Upgrade": "websocket"})
    behind = [head(TWO), head(NONE), upgrade, post, head(ONE), head(TWO)]
    async with connected(service.api.url) as connection:
        connection.send(ONE)
        await eventually(lambda: len(apiserver.arrived) == 3)
        for each in behind if apart else [b"".join(behind)]:
            connection.writer.write(each)
            await connection.writer.drain()
            await asyncio.sleep(0.02)  # so that it comes by itself, which would not fail either if it did not
        apiserver.gate.set()
        assert [await named(connection) for _ in range(3)] == ["one", "two", "404"]
        assert (await connection.answer()).body == b"ok"
        assert_is_status(await connection.answer(), 404, "NotFound")  # the apiserver of this test creates nothing
        assert [await named(connection) for _ in range(2)] == ["one", "two"]
    assert [each.target.rpartition("/")[2] for each in apiserver.arrived[2:]] == [
        *("one", "two", "none", "jobs?fieldValidation=Strict", "one", "two")
    ]


async def test_garbage_right_behind_a_read_that_is_under_way_is_400_after_it(front: StartFront, ways: Ways) -> None:
    apiserver = both()
    service = await front(apiserver.answer)
    await learn(service, ONE)
    apiserver.gate.clear()
    async with connected(service.api.url) as connection:
        connection.send(ONE)
        await eventually(lambda: len(apiserver.arrived) == 2)
        connection.writer.write(b"no HTTP at all\r\n\r\n")
        await connection.writer.drain()
        apiserver.gate.set()
        assert await named(connection) == "one"
        assert ways.prompt == 1
        assert_is_status(await connection.answer(), 400, "BadRequest")
        assert await connection.reader.read() == b""


@pytest.mark.parametrize("coding", ["whole", "in chunks", "in chunks with much around them"])
async def test_a_body_that_comes_behind_a_read_that_is_under_way_arrives_whole(
    front: StartFront, ways: Ways, coding: str
) -> None:
    apiserver = both()
    service = await front(apiserver.answer)
    await learn(service, ONE)
    apiserver.gate.clear()
    manifest = MANIFEST[:-1] + b" " * 300_000 + b"}"
    headers, sent = {"Content-Length": str(len(manifest))}, manifest
    if coding != "whole":
        # More of it than a head may have.
        extension = b";" + b"x" * 60_000 if coding.endswith("around them") else b""
        chunks = [manifest[start : start + 10_000] for start in range(0, len(manifest), 10_000)]
        sent = b"".join(b"%x%s\r\n%s\r\n" % (len(each), extension, each) for each in [*chunks, b""])
        headers = {"Transfer-Encoding": "chunked"}
    async with connected(service.api.url) as connection:
        connection.send(ONE)
        await eventually(lambda: len(apiserver.arrived) == 2)
        connection.writer.write(head(jobs("default"), headers, method="POST") + sent[:1000])
        await connection.writer.drain()
        connection.writer.write(sent[1000:] + head(ONE))
        await asyncio.sleep(
            0.05
        )  # so that it comes while the read is under way, which would not fail if it did not
        apiserver.gate.set()
        assert [await named(connection) for _ in range(3)] == ["one", "404", "one"]
    assert apiserver.arrived[2].body == manifest
    assert ways.prompt >= 1


@pytest.mark.parametrize("path", [ONE, CACHED])
@pytest.mark.parametrize("apart", [False, True], ids=["in one packet", "apart"])
async def test_many_known_reads_are_all_answered(front: StartFront, ways: Ways, path: str, apart: bool) -> None:
    service = await front(both().answer, cache=True)
    await synced(service)
    await learn(service, path)
    async with connected(service.api.url) as connection:
        for number in range(200):
            connection.send(path, {"X-Request-Id": str(number)})
            if apart:
                await asyncio.sleep(0)
        ids = [(await connection.answer()).headers["X-Request-Id"] for _ in range(200)]
        assert ids == [str(number) for number in range(200)]
        assert (await connection.ask(path)).status == 200
    assert ways.prompt + ways.routed == 202
    assert ways.prompt


@pytest.mark.parametrize("path", [ONE, CACHED])
async def test_a_head_that_comes_in_pieces_is_answered_as_any_other(
    front: StartFront, ways: Ways, path: str
) -> None:
    service = await front(both().answer, cache=True)
    await synced(service)
    await learn(service, path)
    async with connected(service.api.url) as connection:
        assert (await connection.ask(path)).status == 200
        for cut in (1, 10, -3, -1):
            connection.writer.write(head(path)[:cut])
            await connection.writer.drain()
            await asyncio.sleep(0.01)
            connection.writer.write(head(path)[cut:])
            assert (await connection.answer()).status == 200
        # One whole, and the next one's beginning with it.
        connection.writer.write(head(path) + head(path)[:20])
        assert (await connection.answer()).status == 200
        connection.writer.write(head(path)[20:])
        assert (await connection.answer()).status == 200
    assert ways.gone == (7, 1)


async def test_many_reads_behind_one_that_is_under_way_are_all_answered(front: StartFront, ways: Ways) -> None:
    apiserver = both()
    service = await front(apiserver.answer)
    await learn(service, ONE, TWO)
    apiserver.gate.clear()
    async with connected(service.api.url) as connection:
        connection.send(ONE)
        await eventually(lambda: len(apiserver.arrived) == 3)
        for number in range(100):
            connection.send((ONE, TWO, NONE)[number % 3], {"X-Request-Id": str(number)})
        await connection.writer.drain()
        apiserver.gate.set()
        assert await named(connection) == "one"
        answers = [await connection.answer() for _ in range(100)]
        assert (await connection.ask(ONE)).status == 200
    assert [each.headers["X-Request-Id"] for each in answers] == [str(number) for number in range(100)]
    assert [each.status for each in answers[:6]] == [200, 200, 404] * 2
    assert ways.prompt >= 2


@pytest.mark.parametrize("closed", [False, True], ids=["prompt", "routes"])
async def test_long_heads_behind_a_read_that_is_under_way_are_not_taken_for_one(
    front: StartFront, ways: Ways, closed: bool
) -> None:
    apiserver = both()
    service = await front(apiserver.answer)
    await learn(service, ONE)
    apiserver.gate.clear()
    ways.closed = closed
    long = head(f"/livez?{'x' * 250_000}", {"X": "x" * 30_000})
    async with connected(service.api.url) as connection:
        connection.send(ONE)
        await eventually(lambda: len(apiserver.arrived) == 2)
        connection.writer.write(long + long)
        await asyncio.sleep(0.1)  # so that they come while the read is under way, which would not fail if not
        apiserver.gate.set()
        assert await named(connection) == "one"
        for _ in range(2):
            told = assert_is_status(await connection.answer(), 400, "BadRequest")["message"]
            assert told.startswith("unknown query parameter")  # it came whole to its route
