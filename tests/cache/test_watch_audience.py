"""Watches that are told together: what their callers see, on real sockets. Section 5 of the contract."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import msgspec
import pytest

from service.api import keys
from service.api.watch_framer import WatchFramer
from service.cache.batches import Batch
from tests.cache.audience import BEGIN, OTHERS, RawWatch, attended, cache_of, change, raw_watch, started
from tests.cache.conftest import StartFront
from tests.contract.event_source import EventSource

JSON, EVENTS = "application/json", "text/event-stream"
WANTING = "allowWatchBookmarks=true"
KINDS = [
    (version, accept, query) for version in ("1.0", "1.1") for accept in (JSON, EVENTS) for query in ("", WANTING)
]


def told_in(body: bytes) -> list[tuple[str, str]]:
    """Return the type and the resourceVersion of each line."""
    events = [msgspec.json.decode(line) for line in body.splitlines()]
    return [(event["type"], event["object"]["metadata"].get("resourceVersion", "")) for event in events]


def ids_in(body: bytes) -> list[tuple[str, str | None]]:
    """Return the type and the id of each event that has data."""
    return [(block.type, block.id) for block in EventSource().feed(body) if block.data]


async def bodies(watches: Sequence[RawWatch]) -> list[bytes]:
    return await asyncio.gather(*(each.to_the_end() for each in watches))


async def test_each_form_has_its_own_audience_and_its_bytes_are_framed_as_its_http_has_it(
    front: StartFront,
) -> None:
    service = await started(front)
    async with AsyncExitStack() as stack:
        watches = [
            await stack.enter_async_context(raw_watch(service, query, version=version, accept=accept))
            for version, accept, query in KINDS
            for _ in range(2)
        ]
        await attended(service, *(2 for _ in KINDS))
        for number in (11, 12, 13):
            change(service, number, filling=20_000 * (number == 12))
            for each in watches:
                await each.until(b'"resourceVersion":"%d"' % number)
        await attended(service, *(2 for _ in KINDS))
        service.app[keys.STREAMS].end()
        told = await bodies(watches)
    for each, (version, _, _) in zip(watches[::2], KINDS, strict=True):
        assert (b"\r\nTransfer-Encoding: chunked" in each.head) == (version == "1.1")
    assert told[::2] == told[1::2]
    old, new = told[: len(told) // 2], told[len(told) // 2 :]
    assert old == new, "HTTP/1.0 has the same body, without chunks"
    lines, _, events, _ = old[::2]
    assert told_in(lines) == [("ADDED", "11"), ("ADDED", "12"), ("ADDED", "13")]
    assert ids_in(events) == [("ADDED", "11"), ("ADDED", "12"), ("ADDED", "13")]


async def test_other_selections_are_other_audiences(front: StartFront) -> None:
    service = await started(front)
    queries = ["", "labelSelector=a%3Db", "fieldSelector=metadata.name%3Djob-12"]
    async with AsyncExitStack() as stack:
        watches = [
            await stack.enter_async_context(raw_watch(service, query)) for query in queries for _ in range(2)
        ]
        await attended(service, 2, 2, 2)
        for version in (11, 12):
            change(service, version)
        await watches[0].until(b"job-12")
        await watches[4].until(b"job-12")
        service.app[keys.STREAMS].end()
        found = [[version for _, version in told_in(body)] for body in await bodies(watches)]
    assert found == [["11", "12"]] * 2 + [[]] * 2 + [["12"]] * 2


async def test_what_many_are_told_is_made_once(front: StartFront, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Batch] = []
    frame = WatchFramer.framed

    def framed(self: WatchFramer, batch: Batch) -> bytes:
        made.append(batch)
        return frame(self, batch)

    monkeypatch.setattr(WatchFramer, "framed", framed)
    service = await started(front)
    async with AsyncExitStack() as stack:
        watches = [await stack.enter_async_context(raw_watch(service)) for _ in range(120)]
        await attended(service, 120)
        change(service, 11)
        for each in watches:
            await each.until(b"job-11")
        assert len(made) == 1
        await attended(service, 120)
    await attended(service)


@pytest.mark.parametrize("ends_with_what_is_selected", [True, False])
async def test_an_end_in_time_tells_the_place_that_no_event_has_told(
    front: StartFront, ends_with_what_is_selected: bool
) -> None:
    service = await started(front)
    kinds = [(JSON, WANTING), (JSON, ""), (EVENTS, WANTING), (EVENTS, "")]
    async with AsyncExitStack() as stack:
        watches = [
            await stack.enter_async_context(raw_watch(service, f"timeoutSeconds=2&{query}", accept=accept))
            for accept, query in kinds
            for _ in range(2)
        ]
        await attended(service, 2, 2, 2, 2)
        change(service, 11)
        if not ends_with_what_is_selected:
            change(service, 12, OTHERS)
        told = await bodies(watches)
    assert told[::2] == told[1::2]
    wanting, lines, wanting_events, events = told[::2]
    farewell = [] if ends_with_what_is_selected else [("BOOKMARK", "12")]
    assert told_in(wanting) == [("ADDED", "11"), *farewell]
    assert told_in(lines) == [("ADDED", "11")]
    assert ids_in(wanting_events) == [("ADDED", "11"), *farewell]
    assert ids_in(events) == [("ADDED", "11")]
    for body in (wanting_events, events):
        (source := EventSource()).feed(body)
        assert source.last_event_id == ("11" if ends_with_what_is_selected else "12")


async def test_a_tick_is_a_comment_to_readers_of_events_and_a_bookmark_comes_in_its_time(
    front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await started(front)
    kinds = [(JSON, WANTING), (JSON, ""), (EVENTS, WANTING), (EVENTS, "")]
    async with AsyncExitStack() as stack:
        watches = [
            await stack.enter_async_context(raw_watch(service, query, accept=accept)) for accept, query in kinds
        ]
        await attended(service, 1, 1, 1, 1)
        cache_of(service).window.wake()
        for each in watches[2:]:
            await each.until(b":\n\n")
            assert b"id: %d\n\n" % BEGIN in each.received
        monkeypatch.setattr("service.cache.batches._BOOKMARK_SECONDS", -1.0)
        cache_of(service).window.wake()
        for each in watches[::2]:
            await each.until(b"BOOKMARK")
        service.app[keys.STREAMS].end()
        wanting, lines, wanting_events, events = await bodies(watches)
    assert told_in(wanting) == [("BOOKMARK", str(BEGIN))]
    assert lines == b""
    assert ids_in(wanting_events) == [("BOOKMARK", str(BEGIN))]
    assert ids_in(events) == []
