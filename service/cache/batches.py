"""What a watcher is told, in portions: from the shared window, or from a watch of its own."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from service.cache.job_cache import JobCache
from service.cache.selection import Selection
from service.cache.watch_window import Cursor
from service.kube.jobs import Job
from service.kube.watch import WatchEvent, bookmark

# As often as the apiserver sends one, so that a place in time does not grow too old where nothing happens.
_BOOKMARK_SECONDS = 60.0
_BATCH_BYTES = 64 * 1024


class Delivery(NamedTuple):
    """One event.

    Attributes:
        type: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.
        object: the object, or the Status of an ERROR, as JSON.
        resource_version: from where a reader can go on who has seen it; None where that is nowhere, as in the
            initial state, whose order is not that of time.
    """

    type: str
    object: bytes
    resource_version: int | None


class Batch(NamedTuple):
    """Some events, or none, when time has merely passed.

    Attributes:
        deliveries: the events.
        resource_version: the reader knows everything up to here, including what its selection leaves out; None
            before the initial state is complete.
    """

    deliveries: Sequence[Delivery]
    resource_version: int | None


class State(NamedTuple):
    """Some Jobs as they were at one moment."""

    jobs: Sequence[Job]
    resource_version: int


async def shared_batches(
    cache: JobCache, initial: State, selection: Selection, *, sends_initial: bool
) -> AsyncGenerator[Batch, None]:
    """Tell a watcher the initial state, and then what the shared window holds from exactly there.

    It ends when the cache has not heard of upstream for long, rather than to be silent as if nothing happened.

    Args:
        cache: the scope's cache.
        initial: where to begin; its Jobs are those that are selected.
        selection: what the watcher is after.
        sends_initial: whether the initial state is told at all.

    Raises:
        Expired: the watcher was too slow, or asks for a past that is forgotten.
    """
    cursor = Cursor(cache.window, initial.resource_version)
    if sends_initial:
        for deliveries in _portions(initial.jobs):
            yield Batch(deliveries, None)
        end = bookmark(cursor.resource_version, ends_initial_events=True)
        yield Batch((Delivery("BOOKMARK", end, cursor.resource_version),), cursor.resource_version)
    del initial  # or a watch would hold on to what the Jobs once were for as long as it lasts
    marked_at = time.monotonic()
    while True:
        changes = await cursor.next()
        if not changes and cache.is_stale:
            return
        seen = ((change.seen_through(selection), change.resource_version) for change in changes)
        deliveries = [Delivery(*each, version) for each, version in seen if each is not None]
        if time.monotonic() - marked_at > _BOOKMARK_SECONDS:
            deliveries.append(Delivery("BOOKMARK", bookmark(cursor.resource_version), cursor.resource_version))
            marked_at = time.monotonic()
        if deliveries or not changes:
            yield Batch(deliveries, cursor.resource_version)


async def own_batches(
    events: AsyncIterator[WatchEvent], resource_version: int | None, tick_seconds: float
) -> AsyncGenerator[Batch, None]:
    """Tell a watcher what a watch of its own shows, which has bookmarks.

    Args:
        events: that watch.
        resource_version: where it began; 0 where that is a moment that nobody has told; None where it began with
            an initial state, which ends with a bookmark.
        tick_seconds: after this time without an event there is a batch without one.

    Raises:
        UpstreamBroken: the watch broke off.
        msgspec.DecodeError: an object is none.
    """
    known, is_initial = resource_version or None, resource_version is None
    # Closed here, or the one who closes the events would find that they are still waited for.
    async with aclosing(_ticking(events, tick_seconds)) as ticking:
        async for event in ticking:
            if event is None:
                yield Batch((), known)
                continue
            version = None if event.type == "ERROR" else event.resource_version
            is_initial = is_initial and event.type != "BOOKMARK"
            if not is_initial:
                known = version
            yield Batch((Delivery(event.type, event.object, known),), known)


def _portions(jobs: Iterable[Job]) -> Iterator[list[Delivery]]:
    """Yield the initial state in portions that are each worth a write."""
    portion, size = [], 0
    for job in jobs:
        portion.append(Delivery("ADDED", job.raw, None))
        size += len(job.raw)
        if size > _BATCH_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


async def _ticking(events: AsyncIterator[WatchEvent], seconds: float) -> AsyncGenerator[WatchEvent | None, None]:
    """Yield events, and None whenever there was none for a time."""
    coming = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait([coming], timeout=seconds)
            if not done:
                yield None
                continue
            event = coming.result()
            if event is None:
                break
            coming = asyncio.ensure_future(anext(events, None))
            yield event
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
