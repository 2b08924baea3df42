"""The recent changes of a scope: kept once, read by any number of cursors.

A cursor is a place in time, a resourceVersion, and no more: a reader that is slow holds nothing but that, and one
that falls out of the window is told so.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal, TypeAlias, cast

import msgspec

from service.cache.selection import Selection
from service.errors import Expired
from service.kube.jobs import Job, with_resource_version

ChangeType: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED"]

# A batch is written at once; more than this would only wait in a socket's buffer.
_BATCH_BYTES = 64 * 1024


class Change(msgspec.Struct, frozen=True, gc=False):
    """One change of one Job.

    Attributes:
        type: what happened.
        job: the Job as the change left it; of a deletion its last state, with the deletion's resourceVersion.
        previous: the Job before; None where there was none.
    """

    type: ChangeType
    job: Job
    previous: Job | None

    @property
    def resource_version(self) -> int:
        """The resourceVersion that the change made."""
        return self.job.resource_version

    def seen_through(self, selection: Selection) -> tuple[ChangeType, bytes] | None:
        """Return the type and the object that a watch with a selection shows; None where it shows nothing.

        A Job that starts to match is ADDED. One that ceases to is DELETED with its previous state, in which it
        still matched, and with the new resourceVersion:
        https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
        """
        matched = self.previous is not None and selection.matches(self.previous)
        matches = self.type != "DELETED" and selection.matches(self.job)
        if matches:
            return "MODIFIED" if matched else "ADDED", self.job.raw
        if not matched:
            return None
        if self.type == "DELETED":
            return "DELETED", self.job.raw
        previous = cast("Job", self.previous)
        return "DELETED", with_resource_version(previous.raw, self.resource_version)


class WatchWindow:
    """A ring of changes, bounded in number and in bytes.

    Args:
        most_changes: how many changes it holds at most.
        most_bytes: how many bytes of Jobs they hold at most.

    Attributes:
        start: changes after this resourceVersion are all there.
        latest: everything up to this resourceVersion is known.
        size: how many bytes of Jobs its changes hold.
        evicted: how many changes were dropped to make room.
        expired: how many readers were told that not everything is there.
    """

    def __init__(self, most_changes: int, most_bytes: int) -> None:
        self.start = 0
        self.latest = 0
        self._most_changes = most_changes
        self._most_bytes = most_bytes
        self._changes: list[Change] = []
        self.size = 0
        self.evicted = self.expired = 0
        # How many changes there have been before the first that is held. A reset counts as one.
        self._first = 0
        self._waiting: list[asyncio.Future[None]] = []

    def __len__(self) -> int:
        """Return how many changes are held."""
        return len(self._changes)

    def reset(self, resource_version: int) -> None:
        """Begin anew at the moment of a list: what happened before is not known in full."""
        self._first += len(self._changes) + 1
        self._changes.clear()
        self.size = 0
        self.start = self.latest = resource_version
        self.wake()

    def add(self, change: Change) -> None:
        """Append a change, which is later than all that are there."""
        self._changes.append(change)
        self.size += len(change.job.raw)
        self.latest = change.resource_version
        if len(self._changes) > self._most_changes or self.size > self._most_bytes:
            self._evict()
        self.wake()

    def progress(self, resource_version: int) -> None:
        """Note that nothing else happened up to a resourceVersion."""
        self.latest = max(self.latest, resource_version)

    def wake(self) -> None:
        """Let every reader that waits look again."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def woken(self) -> None:
        """Wait for the next change, or tick."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    @property
    def end(self) -> int:
        """The place after the last change; places count all changes there ever were."""
        return self._first + len(self._changes)

    def place_after(self, resource_version: int) -> int:
        """Return the place of the first change after a resourceVersion.

        Raises:
            Expired: not all of them are there.
        """
        if resource_version < self.start:
            self.expired += 1
            raise Expired(f"too old resource version: {resource_version} ({self.start})")
        return self._first + bisect_right(
            self._changes, resource_version, key=lambda change: change.resource_version
        )

    def is_held(self, place: int) -> bool:
        """Tell whether the change of a place is there, or will come there next."""
        return place >= self._first

    def batch(self, place: int) -> Sequence[Change]:
        """Return some changes from a place on, which is held: as many as are worth a write."""
        first = last = place - self._first
        size = 0
        while last < len(self._changes) and size < _BATCH_BYTES:
            size += len(self._changes[last].job.raw)
            last += 1
        return self._changes[first:last]

    def _evict(self) -> None:
        """Drop the oldest eighth, so that not every change moves the whole list."""
        count = max(1, len(self._changes) // 8)
        while self.size - sum(len(each.job.raw) for each in self._changes[:count]) > self._most_bytes:
            count = min(2 * count, len(self._changes))
        evicted = self._changes[:count]
        del self._changes[:count]
        self._first += count
        self.evicted += count
        self.size -= sum(len(each.job.raw) for each in evicted)
        self.start = evicted[-1].resource_version


class Cursor:
    """A reader's place in a window.

    Args:
        window: what is read.
        resource_version: the reader knows everything up to here; may be later than anything the window has.

    Attributes:
        resource_version: the reader has been told everything up to here.

    Raises:
        Expired: the window begins later.
    """

    def __init__(self, window: WatchWindow, resource_version: int) -> None:
        self._window = window
        self._place = window.place_after(resource_version)
        self.resource_version = resource_version

    @property
    def place(self) -> int:
        """The place of the change that is read next."""
        return self._place

    @property
    def is_at_end(self) -> bool:
        """Whether everything is read that there is, and whatever comes is to be told."""
        return self._place == self._window.end and not self.is_ahead

    @property
    def is_ahead(self) -> bool:
        """Whether it is later than anything the window has, so that not all that comes is to be told."""
        return self.resource_version > self._window.latest

    def follow(self, other: "Cursor") -> None:
        """Go to where another reader of the same window is."""
        self._place, self.resource_version = other._place, other.resource_version

    async def next(self) -> Sequence[Change]:
        """Wait for changes, and return some of them in order; none when the window was merely ticked.

        Raises:
            Expired: the reader was too slow, or the window began anew.
        """
        window = self._window
        if window.is_held(self._place) and self._place >= window.end:
            await window.woken()
        if not window.is_held(self._place):
            self._place = window.place_after(self.resource_version)
        batch = window.batch(self._place)
        self._place += len(batch)
        known = self.resource_version
        told = batch[-1].resource_version if self._place < window.end else window.latest
        self.resource_version = max(known, told)
        return [change for change in batch if change.resource_version > known]
