"""A watch that is a caller's own upstream: what a slow caller, or one who leaves, does to it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from service.cache.batches import Batch, own_batches
from service.kube.watch import WatchEvent, bookmark


def added(version: int) -> WatchEvent:
    return WatchEvent("ADDED", b'{"metadata":{"name":"a","resourceVersion":"%d"}}' % version)


class Events:
    """A watch upstream that tells what it is given, and then is silent."""

    def __init__(self, *events: WatchEvent) -> None:
        self.is_closed = False
        self._events = events

    async def tell(self) -> AsyncGenerator[WatchEvent, None]:
        try:
            for event in self._events:
                yield event
            await asyncio.Event().wait()
        finally:
            self.is_closed = True


async def test_it_can_be_left_at_any_event_and_lets_go_of_upstream_at_once() -> None:
    upstream = Events(added(1))
    async with aclosing(upstream.tell()) as events, aclosing(own_batches(events, 0, 60.0)) as batches:
        await anext(batches)
        for _ in range(3):
            await asyncio.sleep(0)  # as while the event is written: by now the next one is waited for
    assert upstream.is_closed


@pytest.mark.parametrize(("begins", "places"), [(None, [None, 7, 3]), (0, [5, 7, 3]), (4, [5, 7, 3])])
async def test_its_places_count_from_the_end_of_the_initial_state_on(
    begins: int | None, places: list[int | None]
) -> None:
    upstream = Events(added(5), WatchEvent("BOOKMARK", bookmark(7, ends_initial_events=True)), added(3))
    async with aclosing(upstream.tell()) as events, aclosing(own_batches(events, begins, 60.0)) as batches:
        told = [await anext(batches) for _ in places]
    assert [batch.deliveries[0].resource_version for batch in told] == places
    assert [batch.resource_version for batch in told] == places


@pytest.mark.parametrize(("begins", "place"), [(None, None), (0, None), (4, 4)])
async def test_where_nothing_was_told_yet_its_place_is_where_it_began(
    begins: int | None, place: int | None
) -> None:
    async with aclosing(Events().tell()) as events, aclosing(own_batches(events, begins, 0.001)) as batches:
        assert await anext(batches) == Batch((), place)


async def test_after_an_error_there_is_no_place() -> None:
    upstream = Events(added(5), WatchEvent("ERROR", b'{"code":410}'))
    async with aclosing(upstream.tell()) as events, aclosing(own_batches(events, 4, 60.0)) as batches:
        assert [(await anext(batches)).resource_version for _ in range(2)] == [5, None]
