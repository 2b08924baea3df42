"""Section 5 of the contract: watches as server-sent events, and how a reader goes on after a break."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.api import watches
from service.cache import live_jobs
from tests.callers import Caller, assert_is_status
from tests.conftest import StartService
from tests.contract.conftest import Backend
from tests.contract.event_source import EVENT_STREAM, Block, EventSource, EventStream, streaming
from tests.contract.job_changes import create, delete
from tests.contract.paths import direct_jobs, jobs
from tests.contract.served import Served, serving
from tests.contract.watching import NOTHING_INITIAL, STREAMING_LIST, opened, present, selecting, watching
from tests.upstream import Received, Upstream, json_answer

INITIAL = ("c", "a", "b")


@pytest.fixture
def api(served: Served) -> Caller:
    return served.api


def version_of(block: Block) -> str:
    version: str = json.loads(block.data)["metadata"]["resourceVersion"]
    return version


def name_of(block: Block) -> str:
    name: str = json.loads(block.data)["metadata"]["name"]
    return name


def told(blocks: Sequence[Block]) -> list[tuple[str, str]]:
    return [(block.type, name_of(block)) for block in blocks if block.data]


async def changes(direct: Caller, namespace: str) -> int:
    """Have some things happen, and return the last one's version."""
    await create(direct, namespace, "d", "a-b", "e")
    await delete(direct, namespace, "c")
    await create(direct, namespace, "c")
    await delete(direct, namespace, "a")
    return await create(direct, namespace, "z")


class Page:
    """What a web page makes of the events: it holds the present state by name, and starts afresh where told."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    def apply(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            if not block.data or block.type == "BOOKMARK":
                continue
            job = json.loads(block.data)
            if block.type == "ERROR":
                self.state.clear()
            elif block.type == "DELETED":
                self.state.pop(job["metadata"]["name"], None)
            else:
                assert block.type in {"ADDED", "MODIFIED"}, block
                self.state[job["metadata"]["name"]] = job


async def listed(direct: Caller, namespace: str) -> dict[str, Any]:
    items = (await direct("GET", direct_jobs(namespace))).json["items"]
    return {item["metadata"]["name"]: {"kind": "Job", "apiVersion": "batch/v1", **item} for item in items}


async def until(stream: EventStream, version: int) -> list[Block]:
    """Read on until the stream's place is a version, or it began there."""
    blocks: list[Block] = []
    while int(stream.last_event_id or 0) < version:
        blocks += await stream.take(1)
    return blocks


async def test_an_event_has_its_type_its_object_and_where_to_go_on(
    api: Caller, direct: Caller, namespace: str
) -> None:
    await create(direct, namespace, "b", "a")
    async with (
        streaming(api, jobs(namespace)) as stream,
        watching(direct, direct_jobs(namespace)) as theirs,
    ):
        assert stream.response.headers["Content-Type"] == "text/event-stream"
        assert "no-cache" in stream.response.headers["Cache-Control"]
        assert "Content-Length" not in stream.response.headers
        initial = await stream.take(3)
        await create(direct, namespace, "c")
        await delete(direct, namespace, "a")
        later = await stream.take(2)
        blocks = [*initial[:2], *later]
        assert [(block.type, block.data.encode()) for block in blocks] == await theirs.take(4)
    # The initial events come in the order of names: to go on from one of them would lose what is older.
    assert [block.id for block in initial[:2]] == [None, None]
    # That it is complete is an event, asked for or not: a page sees no id that comes without one.
    end = initial[2]
    assert (end.type, end.id) == ("BOOKMARK", version_of(end))
    assert json.loads(end.data)["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(version_of(end)) < int(version_of(later[0]))
    assert [block.id for block in later] == [version_of(block) for block in later]


async def test_without_initial_events_each_has_its_place(api: Caller, direct: Caller, namespace: str) -> None:
    since = await present(api, namespace)
    for number, query in enumerate(
        (f"resourceVersion={since}", NOTHING_INITIAL, f"{NOTHING_INITIAL}&resourceVersion=0")
    ):
        async with streaming(api, jobs(namespace), f"{query}&{selecting(fields=f'metadata.name=n{number}')}") as s:
            version = await create(direct, namespace, f"n{number}")
            (block,) = await s.blocks_until(lambda block: bool(block.data))
        assert (block.type, block.id) == ("ADDED", str(version))


async def test_a_stream_goes_on_after_any_break_without_loss(
    api: Caller,
    direct: Caller,
    namespace: str,
    backend: Backend,
    tmp_path: Path,
    http_client: aiohttp.ClientSession,
) -> None:
    """Cut at every block and within it, and go on as an EventSource would, here and at another replica."""
    await create(direct, namespace, *INITIAL)
    async with serving(backend, tmp_path, http_client, cache=True) as replica:
        await present(replica.api, namespace)
        async with streaming(api, jobs(namespace)) as stream:
            await stream.take(len(INITIAL) + 1)
            last = await changes(direct, namespace)
            await until(stream, last)
            received = bytes(stream.received)
        expected = await listed(direct, namespace)
        starts = [0]
        while (end := received.find(b"\n\n", starts[-1])) >= 0:
            starts.append(end + 2)
        assert len(starts) == 1 + len(INITIAL) + 1 + 7
        inside = [(begin + end) // 2 for begin, end in pairwise(starts)]
        # The last line of an event is there, but not the blank one that ends it.
        almost = [end - 1 for end in starts[1:]]
        fresh = 0
        for number, cut in enumerate(sorted({*starts, *inside, *almost})):
            page, source = Page(), EventSource()
            page.apply(source.feed(received[:cut]))
            if not source.last_event_id:
                page, fresh = Page(), fresh + 1
            caller = (api, replica.api)[number % 2]
            query = ("", STREAMING_LIST, "resourceVersion=0")[number % 3 if source.last_event_id else 0]
            async with streaming(caller, jobs(namespace), query, source.last_event_id) as again:
                again.source.last_event_id = source.last_event_id
                page.apply(await until(again, last))
            assert page.state == expected, cut
        assert fresh == 1 + 3 * (len(INITIAL) + 1) - 1


@pytest.mark.parametrize("cache", [True, False])
async def test_comments_keep_it_alive_and_the_place_moves_with_what_is_not_selected(
    backend: Backend,
    direct: Caller,
    namespace: str,
    tmp_path: Path,
    http_client: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    cache: bool,
) -> None:
    monkeypatch.setattr(live_jobs, "_TICK_SECONDS", 0.02)
    monkeypatch.setattr(watches, "TICK_SECONDS", 0.02)
    async with (
        serving(backend, tmp_path, http_client, cache=cache) as served,
        streaming(served.api, jobs(namespace), selecting("group=a")) as stream,
    ):
        blocks = await stream.blocks_until(lambda block: block.comments > 0)
        version = await create(direct, namespace, "b")
        if cache:  # without, only upstream knows what is not selected, and tells it once a minute
            blocks += await until(stream, version)
        blocks += await stream.blocks_until(lambda block: block.comments > 0)
    assert [block.type for block in blocks if block.data] == ["BOOKMARK"]


async def test_an_id_that_is_none_is_400(api: Caller, namespace: str) -> None:
    for bad in ("abc", "-1", "1.5", "+1", "1 2", "18446744073709551616", "9" * 21, "\uff11"):
        headers = {**EVENT_STREAM, "Last-Event-ID": bad}
        answer = await api("GET", f"{jobs(namespace)}?watch=true&timeoutSeconds=1", headers=headers)
        assert "Last-Event-ID" in assert_is_status(answer, 400, "BadRequest")["message"]
    # It is no business of those who read lines.
    async with opened(api, jobs(namespace), headers={"Last-Event-ID": "abc"}) as response:
        assert response.status == 200


async def test_a_refusal_is_a_status_and_no_stream(api: Caller, direct: Caller, namespace: str) -> None:
    for query in ("labelSelector=a%20b", "sendInitialEvents=true"):
        ours = await api("GET", f"{jobs(namespace)}?watch=true&{query}", headers=EVENT_STREAM)
        theirs = await direct("GET", f"{direct_jobs(namespace)}?watch=true&{query}")
        assert (ours.status, ours.body) == (theirs.status, theirs.body)


def assert_starts_afresh(blocks: Sequence[Block], source: EventSource) -> None:
    """Check the one event that makes a browser forget its place, wait, and begin anew."""
    (error,) = blocks
    assert (error.type, error.id) == ("ERROR", "")
    status = json.loads(error.data)
    assert (status["kind"], status["reason"], status["code"]) == ("Status", "Expired", 410)
    assert source.retry == 5000
    assert source.last_event_id == ""


async def test_a_place_that_is_forgotten_is_an_error_after_which_a_browser_starts_afresh(
    backend: Backend, direct: Caller, namespace: str, tmp_path: Path, http_client: aiohttp.ClientSession
) -> None:
    await create(direct, namespace, *INITIAL)
    async with serving(backend, tmp_path, http_client, cache=True, watch_window_changes=4) as served:
        async with streaming(served.api, jobs(namespace)) as stream:
            await stream.take(len(INITIAL) + 1)
            place = stream.last_event_id
        last = await changes(direct, namespace)
        await served.has(last)
        async with streaming(served.api, jobs(namespace), "", place) as stream:
            blocks = []
            while (block := await stream.next()) is not None:
                blocks.append(block)
            assert_starts_afresh(blocks, stream.source)
        async with streaming(served.api, jobs(namespace)) as stream:
            page = Page()
            page.apply(await until(stream, last))
        assert page.state == await listed(direct, namespace)


@pytest.mark.parametrize("place", ["3", ""])
async def test_a_place_that_upstream_forgot_is_the_same_without_a_cache(
    tmp_path: Path, http_client: aiohttp.ClientSession, start_service: StartService, place: str
) -> None:
    """A young apiserver forgets nothing, so that one of ours has to."""
    status = (
        b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        b'"message":"too old resource version: 3 (238)","reason":"Expired","code":410}'
    )
    asked = []

    async def forgetful(request: Received) -> bytes:
        asked.append(request.target)
        return json_answer(200, b'{"type":"ERROR","object":%b}\n' % status)

    async with Upstream(forgetful) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path), cache=False)
        async with streaming(Caller(http_client, url, {}), jobs("default"), "", place) as stream:
            blocks = await stream.take(1)
            assert await stream.next() is None
    assert_starts_afresh(blocks, stream.source)
    assert blocks[0].data.encode() == status
    assert ("resourceVersion=3" in asked[0]) is bool(place)
