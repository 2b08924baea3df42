"""What a watcher is told, in portions: from the shared window, or from a watch of its own."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from service.cache.job_cache import JobCache
from service.cache.selection import Selection
from service.cache.watch_window import Change, Cursor
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


class SharedFeed:
    """What the shared window tells those who look through one selection.

    Args:
        cache: the scope's cache.
        selection: what they are after.
        resource_version: they know everything up to here.

    Attributes:
        cache: likewise.
        selection: likewise.
        cursor: how far it is told.
        before: where what it has told last begins; all before that was told earlier, or is not selected.

    Raises:
        Expired: that is too long ago.
    """

    def __init__(self, cache: JobCache, selection: Selection, resource_version: int) -> None:
        self.cache, self.selection = cache, selection
        self.cursor = Cursor(cache.window, resource_version)
        self.before = Cursor(cache.window, resource_version)
        self._marked_at = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether everything is told, and the cache has not heard of upstream for long."""
        return self.cursor.is_at_end and self.cache.is_stale

    async def next(self) -> Batch | None:
        """Wait for what is to be told next, also when it is but that time has passed.

        Returns:
            None when the cache has not heard of upstream for long: silence would look as if nothing happened.

        Raises:
            Expired: the reader was too slow, or the window began anew.
        """
        while True:
            self.before.follow(self.cursor)
            changes = await self.cursor.next()
            if not changes and self.cache.is_stale:
                return None
            deliveries = self._seen(changes)
            if deliveries or not changes:
                return Batch(deliveries, self.cursor.resource_version)

    def _seen(self, changes: Iterable[Change]) -> list[Delivery]:
        version = self.cursor.resource_version
        seen = ((change.seen_through(self.selection), change.resource_version) for change in changes)
        deliveries = [Delivery(*each, version) for each, version in seen if each is not None]
        if time.monotonic() - self._marked_at > _BOOKMARK_SECONDS:
            deliveries.append(Delivery("BOOKMARK", bookmark(version), version))
            self._marked_at = time.monotonic()
        return deliveries


# Waits while a watcher that is up to date is told by others what comes, and moves its feed on.
Attend = Callable[[SharedFeed], Awaitable[None]]


async def shared_batches(
    cache: JobCache, initial: State, selection: Selection, attend: Attend, *, sends_initial: bool
) -> AsyncGenerator[Batch, None]:
    """Tell a watcher the initial state, and then what the shared window holds from exactly there.

    It ends when the cache has not heard of upstream for long.

    Args:
        cache: the scope's cache.
        initial: where to begin; its Jobs are those that are selected.
        selection: what the watcher is after.
        attend: called whenever everything is told that there is.
        sends_initial: whether the initial state is told at all.

    Raises:
        Expired: the watcher was too slow, or asks for a past that is forgotten.
    """
    feed = SharedFeed(cache, selection, initial.resource_version)
    if sends_initial:
        for deliveries in _portions(initial.jobs):
            yield Batch(deliveries, None)
        version = initial.resource_version
        end = bookmark(version, ends_initial_events=True)
        yield Batch((Delivery("BOOKMARK", end, version),), version)
    del initial  # or a watch would hold on to what the Jobs once were for as long as it lasts
    while True:
        if feed.cursor.is_at_end:
            await attend(feed)
            if feed.is_over:
                return  # the tick that has found it ended the attendance, and the next one may be far
        if (batch := await feed.next()) is None:
            return
        yield batch


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
