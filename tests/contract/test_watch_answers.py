"""Section 5 of the contract: a watch as an HTTP answer, its end, and what it costs upstream."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import msgspec
import pytest

from service.api import keys
from service.cache import live_jobs
from service.cache.selection import Selection
from tests.callers import Caller, raw_exchange
from tests.contract.conftest import Backend
from tests.contract.event_source import EVENT_STREAM, streaming
from tests.contract.job_changes import create
from tests.contract.paths import direct_jobs, jobs
from tests.contract.served import Served, serving
from tests.contract.watching import ALL_JOBS, NOTHING_INITIAL, STREAMING_LIST, opened, present, selecting, watching
from tests.waiting import eventually

JSON = {"Accept": "application/json"}
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


@pytest.fixture
def api(served: Served) -> Caller:
    return served.api


async def test_the_headers_are_the_apiservers(api: Caller, direct: Caller, namespace: str) -> None:
    async with (
        opened(api, jobs(namespace), headers={"Accept-Encoding": "gzip"}) as ours,
        opened(direct, direct_jobs(namespace), headers={"Accept-Encoding": "gzip"}) as theirs,
    ):
        assert ours.status == 200
        for name in ("Content-Type", "Transfer-Encoding", "Cache-Control", "Content-Length", "Content-Encoding"):
            assert ours.headers.getall(name, []) == theirs.headers.getall(name, []), name
        assert ours.headers["Content-Type"] == "application/json"
        assert "X-Request-Id" in ours.headers


async def test_head_is_answered_at_once_and_without_a_body(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "a")
    get = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for accept in (JSON["Accept"], EVENT_STREAM["Accept"], TABLE["Accept"]):
        head = f"HEAD {jobs(namespace)}?watch=true HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n"
        first, second, body = (await raw_exchange(api.url, (head + get).encode())).split(b"\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 200 ")
        assert f"\r\nContent-Type: {accept.partition(';')[0]}".encode() in first
        assert b"Content-Length" not in first
        assert second.startswith(b"HTTP/1.1 200 ")
        assert body == b"ok"


async def test_it_ends_when_its_time_is_over_as_a_stream_should(
    backend: Backend, direct: Caller, namespace: str, tmp_path: Path, http_client: aiohttp.ClientSession
) -> None:
    await create(direct, namespace, "a")
    of_now = f"&{NOTHING_INITIAL}"
    asked: list[tuple[str, dict[str, str]]] = [("", JSON), (of_now, JSON), ("", TABLE), ("", EVENT_STREAM)]

    async def ended(api: Caller, query: str, headers: dict[str, str]) -> list[bytes]:
        async with opened(api, jobs(namespace), f"timeoutSeconds=1{query}", headers) as response:
            return (await response.read()).splitlines()  # it raises when there is no last chunk

    async with (
        serving(backend, tmp_path, http_client, cache=True) as cached,
        serving(backend, tmp_path, http_client, cache=False) as uncached,
    ):
        answers = await asyncio.gather(*(ended(api, *each) for api in (cached.api, uncached.api) for each in asked))
    for lines, of_now_lines, of_table, of_events in (answers[:4], answers[4:]):
        assert [len(lines), len(of_now_lines), len(of_table)] == [1, 0, 1]
        assert of_events[0] == b"event: ADDED"
        assert of_events[-1] == b""


async def test_a_caller_who_hangs_up_leaves_nothing_behind_upstream(
    served: Served, direct: Caller, namespace: str
) -> None:
    await create(direct, namespace, "a")
    before = served.proxy.open_connections
    async with AsyncExitStack() as watches:
        for headers in (JSON, EVENT_STREAM, TABLE):
            response = await watches.enter_async_context(opened(served.api, jobs(namespace), "", headers))
            await response.content.readline()
        if not served.live.enabled:
            assert served.proxy.open_connections >= before + 3
    # One connection may be kept for the next request.
    await eventually(lambda: served.proxy.open_connections <= before + 1)


async def test_however_many_watch_upstream_has_one_watch(
    backend: Backend, direct: Caller, namespace: str, tmp_path: Path, http_client: aiohttp.ClientSession
) -> None:
    await create(direct, namespace, "a", labels="{group: a}")
    queries = ["", selecting("group=a"), selecting(fields="metadata.name=a"), STREAMING_LIST, "resourceVersion=0"]
    async with serving(backend, tmp_path, http_client, cache=True) as served, AsyncExitStack() as watches:
        await present(served.api, namespace)
        for path in (jobs(namespace), jobs(namespace), jobs("another"), ALL_JOBS):
            for query in queries:
                await watches.enter_async_context(watching(served.api, path, query))
        last = await watches.enter_async_context(watching(served.api, jobs(namespace), queries[1]))
        await create(direct, namespace, "b", labels="{group: a}")
        assert [event.name for event in await last.take(2)] == ["a", "b"]
        sent = b"".join(bytes(each.sent) for each in served.proxy.connections)
        # Beside the watch, at most one list for each that asks for a consistent beginning.
        assert served.proxy.open_connections <= 5
    assert sent.count(b"watch=true") == 1


@pytest.mark.parametrize("headers", [JSON, EVENT_STREAM], ids=["lines", "events"])
async def test_who_falls_out_of_the_window_is_told_so_and_let_go(
    backend: Backend,
    direct: Caller,
    namespace: str,
    tmp_path: Path,
    http_client: aiohttp.ClientSession,
    headers: dict[str, str],
) -> None:
    await create(direct, namespace, "a")
    async with (
        serving(backend, tmp_path, http_client, cache=True, watch_window_changes=4) as served,
        opened(served.api, jobs(namespace), "", headers) as response,
    ):
        await response.content.readuntil(b"}\n")
        cache = served.live.scope_of(None).cache
        (job,) = cache.store.select(Selection(namespace))
        # Later than the list that the watch began with, of which the cache need not have heard yet.
        later = cache.window.latest + 1_000_000
        # All at once, so that no reader is fast enough.
        for version in range(later, later + 9):
            cache.change("MODIFIED", msgspec.structs.replace(job, resource_version=version))
        rest = (await response.read()).splitlines()
    (status,) = [line for line in rest if b'"code":410' in line]
    assert b'"reason":"Expired"' in status
    assert not any(b'"name":"a"' in line for line in rest)


async def test_a_stream_that_is_ended_says_where_to_go_on(
    backend: Backend,
    direct: Caller,
    namespace: str,
    tmp_path: Path,
    http_client: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To those who can be told: what is not selected has moved their place since the last event."""
    monkeypatch.setattr(live_jobs, "_TICK_SECONDS", 0.02)
    asked = jobs(namespace), f"{selecting('group=a')}&allowWatchBookmarks=true"
    async with (
        serving(backend, tmp_path, http_client, cache=True) as served,
        watching(served.api, *asked) as lines,
        watching(served.api, jobs(namespace), selecting("group=a")) as without,
        streaming(served.api, *asked) as events,
    ):
        assert (await lines.next()).type == "BOOKMARK"
        version = await create(direct, namespace, "b")
        await events.blocks_until(lambda block: int(block.last_event_id or 0) >= version)
        await events.take(1)  # a tick later, so that the others have had theirs
        served.app[keys.STREAMS].end()
        last = await lines.next()
        assert (last.type, last.resource_version >= version) == ("BOOKMARK", True)
        assert await lines.has_ended()
        assert await without.has_ended()
        while await events.next() is not None:
            pass
        assert int(events.last_event_id) >= version
