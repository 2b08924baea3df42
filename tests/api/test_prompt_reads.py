"""A read that is known is answered past the routes: nobody can tell it by the answer, the log or the metrics."""

import re
from collections.abc import AsyncIterator

import pytest

from tests.api.test_metrics import requests, upstream_calls, value
from tests.cache.conftest import StartFront
from tests.cache.jobs import raw_job
from tests.callers import assert_is_status
from tests.prompt import CACHED, ONE, Apiserver, Ways, connected, learn, plain, synced
from tests.upstream import Received, http
from tests.waiting import eventually

ROUTE = "/api/v1/_raw/job/namespace/{namespace}/name/{name}"
WARNED = {"Content-Type": "application/json", "Warning": '299 - "told"', "Cache-Control": "no-cache", "Vary": "X"}


@pytest.mark.parametrize("path", [ONE, CACHED, f"{ONE}?pretty=true"])
@pytest.mark.parametrize("is_cached", [False, True], ids=["no cache", "cache"])
async def test_a_read_that_is_known_is_answered_as_the_routes_answer_it(
    front: StartFront, ways: Ways, path: str, is_cached: bool
) -> None:
    service = await front(Apiserver().answer, cache=is_cached)
    if is_cached:
        await synced(service)
    async with connected(service.api.url) as connection:
        first = await connection.ask(path)
        assert ways.gone == (0, 1)
        second, third = await connection.ask(path), await connection.ask(path)
        assert ways.gone == (2, 1)
        ways.closed = True
        last = await connection.ask(path)
    assert ways.gone == (2, 2)
    assert first.status == 200
    assert plain(first) == plain(second) == plain(third) == plain(last)
    assert set(first.headers) == set(second.headers)
    assert len({each.headers["X-Request-Id"] for each in (first, second, third, last)}) == 4
    assert second.headers.get("Cache-Status") == ("job-api; hit" if is_cached and path == CACHED else None)


@pytest.mark.parametrize(
    "told",
    [
        http(200, raw_job("one", 5), WARNED),
        http(200, b"\x1f\x8b", {**WARNED, "Content-Encoding": "gzip", "Set-Cookie": "a=b", "Server": "x"}),
        http(200, raw_job("one", 5), {"Content-Type": "application/json"}, length=False),
        http(200, raw_job("one", 5)),
        http(200, b"", {"Content-Type": "application/json"}),
        http(203, raw_job("one", 5), {"Content-Type": "application/json"}),
        http(204),
    ],
    ids=["with a warning", "compressed", "without length", "without type", "empty", "203", "204"],
)
async def test_whatever_upstream_says_to_a_known_read_is_what_the_routes_make_of_it(
    front: StartFront, ways: Ways, told: bytes
) -> None:
    apiserver = Apiserver()
    service = await front(apiserver.answer)
    await learn(service, ONE)

    async def pieces() -> AsyncIterator[bytes]:
        yield told

    async def instead(_: Received) -> bytes | AsyncIterator[bytes]:
        return told if b"Content-Length" in told else pieces()

    apiserver.instead = instead
    async with connected(service.api.url) as connection:
        prompt = await connection.ask(ONE)
        assert apiserver.arrived
        ways.closed = True
        routed = await connection.ask(ONE)
    assert plain(prompt) == plain(routed)


async def test_the_line_and_the_headers_are_written_as_the_routes_write_them(front: StartFront, ways: Ways) -> None:
    service = await front(Apiserver().answer)
    texts = []
    async with connected(service.api.url) as connection:
        for closed in (True, False):
            ways.closed = closed
            connection.send(ONE, {"X-Request-Id": "mine"})
            texts.append(await connection.reader.readuntil(b"\r\n\r\n"))
            await connection.reader.readexactly(len(raw_job("one", 5)))
    assert ways.gone == (1, 1)
    routed, prompt = [sorted(re.sub(rb"Date: [^\r]+", b"Date: now", each).split(b"\r\n")) for each in texts]
    assert prompt == routed
    assert all(each.startswith(b"HTTP/1.1 200 OK\r\n") for each in texts)


@pytest.mark.parametrize("path", [ONE, CACHED])
async def test_its_line_in_the_log_is_that_of_the_routes(
    front: StartFront, ways: Ways, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level("INFO", "service.audit")
    service = await front(Apiserver().answer, cache=True)
    await synced(service)
    caplog.clear()
    async with connected(service.api.url) as connection:
        for _ in range(2):
            assert (await connection.ask(path, {"X-Request-Id": "mine"})).headers["X-Request-Id"] == "mine"
        assert (await connection.ask(path, {"X-Request-Id": "not usable"})).headers["X-Request-Id"] != "not usable"
    assert ways.gone == (2, 1)
    lines = [re.sub(r"duration_ms=[0-9.]+ ", "", record.getMessage()) for record in caplog.records]
    assert lines[0] == lines[1]
    assert re.sub(r"request_id='[0-9a-f]{32}'", "request_id='mine'", lines[2]) == lines[0]
    assert all(f"path='{ONE}'" in line and "code=200" in line for line in lines)
    assert ("upstream_audit_id='1111" in lines[1]) == (path == ONE)


@pytest.mark.parametrize("path", [ONE, CACHED])
async def test_it_counts_as_those_of_the_routes(front: StartFront, ways: Ways, path: str) -> None:
    service = await front(Apiserver().answer, cache=True)
    await synced(service)
    await learn(service, *[path] * 3)
    assert ways.gone == (2, 1)
    labels = {"route": ROUTE, "method": "GET", "code": "200", "outcome": "success"}
    assert value(service.app, "requests_total", **labels) == 3
    assert requests(service.app, "success", 200) == 3
    counted = value(service.app, "request_duration_seconds_count", route=ROUTE, method="GET")
    assert counted == 3
    is_cached = path == CACHED
    reads = [value(service.app, "cache_reads_total", result=each) for each in ("hit", "miss")]
    assert reads == ([3, 0] if is_cached else [0, 0])
    assert upstream_calls(service.app, "get", "2xx") == (0 if is_cached else 3)


@pytest.mark.parametrize("path", [ONE, CACHED])
async def test_a_job_that_changes_grows_or_goes_is_told_as_it_is(front: StartFront, ways: Ways, path: str) -> None:
    apiserver = Apiserver()
    service = await front(apiserver.answer, cache=True)
    await synced(service)
    store = service.live.scope_of("default").cache.store
    end = b"\n" if path == CACHED else b""

    async def becomes(type_: str, raw: bytes) -> None:
        apiserver.tell(type_, raw)
        apiserver.jobs["one"] = raw
        known = None if type_ == "DELETED" else raw
        await eventually(lambda: getattr(store.get("default", "one"), "raw", None) == known)

    async with connected(service.api.url) as connection:
        assert (await connection.ask(path)).body == raw_job("one", 5) + end
        for version, filling in ((6, 0), (7, 60_000), (8, 70_000), (9, 200_000), (10, 0)):
            raw = raw_job("one", version, filling=filling)
            await becomes("MODIFIED", raw)
            for _ in range(2):
                answer = await connection.ask(path)
                assert (answer.status, answer.body) == (200, raw + end)
        prompt = ways.prompt
        await connection.ask(path)
        assert ways.prompt == prompt + 1
        await becomes("DELETED", raw_job("one", 11))
        del apiserver.jobs["one"]
        for _ in range(2):
            assert_is_status(await connection.ask(path), 404, "NotFound")
        await becomes("ADDED", raw_job("one", 12, uid="v"))
        for _ in range(2):
            answer = await connection.ask(path)
            assert (answer.status, answer.body) == (200, raw_job("one", 12, uid="v") + end)


async def test_a_version_that_the_cache_has_not_reached_is_asked_of_the_apiserver(
    front: StartFront, ways: Ways
) -> None:
    apiserver = Apiserver()
    service = await front(apiserver.answer, cache=True)
    await synced(service)
    await learn(service, *[f"{ONE}?resourceVersion=5"] * 2)
    assert ways.gone == (1, 1)
    await learn(service, *[f"{ONE}?resourceVersion=6"] * 2)
    assert ways.gone == (1, 3)
    assert [each.target.rpartition("=")[2] for each in apiserver.arrived] == ["6", "6"]


async def test_a_read_that_failed_is_not_known(front: StartFront, ways: Ways) -> None:
    apiserver = Apiserver(jobs={})
    service = await front(apiserver.answer)
    async with connected(service.api.url) as connection:
        for _ in range(2):
            assert_is_status(await connection.ask(ONE), 404, "NotFound")
        for _ in range(2):
            assert_is_status(await connection.ask(f"{ONE}?resourceVersion=nonsense"), 400, "BadRequest")
    assert ways.prompt == 0


async def test_what_the_answer_depends_on_goes_upstream_each_time(front: StartFront, ways: Ways) -> None:
    apiserver = Apiserver()
    service = await front(apiserver.answer)
    headers = {"Accept": "application/yaml", "Accept-Encoding": "gzip", "traceparent": "00-1"}
    await learn(service, ONE, f"{ONE}?pretty=true", headers=headers)
    await learn(service, ONE, f"{ONE}?pretty=true", headers={**headers, "traceparent": "00-2"})
    assert ways.gone == (2, 2)
    first, second = apiserver.arrived[:2], apiserver.arrived[2:]
    assert [each.target for each in first] == [each.target for each in second]
    for each in second:
        assert {name: each.headers[name] for name in headers} == {**headers, "traceparent": "00-2"}
