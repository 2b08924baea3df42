"""Watchers without a connection, served as a WatchWriter serves its caller, and keep what they are told."""

import asyncio
from collections.abc import Hashable
from contextlib import aclosing, suppress
from typing import Any

import msgspec

from service.api.audience import Audiences
from service.api.framing import Framing, KubernetesLines, ServerSentEvents
from service.api.watch_framer import WatchFramer
from service.cache.batches import SharedFeed, State, shared_batches
from service.cache.job_cache import JobCache
from service.cache.selection import Selection
from service.errors import Expired
from tests.cache.jobs import a_job

PLENTY = 1_000_000
TEAM, OTHERS = "team", "others"
# More than it takes from a change to all who are told of it; nothing in these tests waits for anything else.
_TURNS = 30


def cache_at(version: int, most_changes: int = PLENTY, stale_seconds: float = 3600.0) -> JobCache:
    """Return a cache that is in sync at a moment."""
    cache = JobCache(most_changes, PLENTY, stale_seconds)
    cache.replace([], version)
    return cache


def change(cache: JobCache, version: int, namespace: str = TEAM, filling: int = 0) -> None:
    """Let a Job be added."""
    cache.change("ADDED", a_job(f"job-{version}", version, namespace=namespace, filling=filling))


async def settled() -> None:
    """Let everybody have as many turns as it takes."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


class Watcher:
    """One watcher of a team's Jobs, from a moment on.

    Args:
        audiences: whom it is told together with.
        cache: what it watches.
        since: the moment.
        events: whether it reads server-sent events, rather than lines.
        bookmarks: whether it wants BOOKMARKs.
        selection: what it is after; the team's Jobs where it does not say.
        begins_afresh: whether it is told the state of that moment, in which there is no Job.

    Attributes:
        offered: what an audience wrote to it.
        own: what it was told at its own pace.
        received: both, in order.
        end: how its watch ended: "end" or "410"; None while it lasts.
        room: set while it reads.
    """

    def __init__(
        self,
        audiences: Audiences,
        cache: JobCache,
        since: int,
        *,
        events: bool = False,
        bookmarks: bool = False,
        selection: Selection | None = None,
        begins_afresh: bool = False,
    ) -> None:
        self._audiences = audiences
        framing: Framing = ServerSentEvents() if events else KubernetesLines()
        self.framer = WatchFramer(framing, bookmarks=bookmarks)
        self.offered: list[bytes] = []
        self.own: list[bytes] = []
        self.received = b""
        self.end: str | None = None
        self.room = asyncio.Event()
        self.room.set()
        self.attending = False
        self._batches = shared_batches(
            cache, State((), since), selection or Selection(TEAM), self._attend, sends_initial=begins_afresh
        )
        self._watching = asyncio.create_task(self._watch())

    @property
    def versions(self) -> list[int]:
        """The resourceVersions of the changes that it was told, where it reads lines."""
        lines = [msgspec.json.decode(line) for line in self.received.splitlines()]
        told = [line["object"]["metadata"] for line in lines if line["type"] not in {"BOOKMARK", "ERROR"}]
        return [int(each["resourceVersion"]) for each in told]

    def offer(self, data: bytes, framer: WatchFramer) -> bool:
        """Take what was made for all, if there is room for it."""
        if not self.room.is_set():
            return False
        self.offered.append(data)
        self.received += data
        self.framer.follow(framer)
        return True

    async def leave(self) -> bytes:
        """Hang up, and return the farewell that an end in time would have had."""
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching
        return self.framer.farewell()

    async def _attend(self, feed: SharedFeed) -> None:
        framer = self.framer
        like: Hashable = (feed.cache, feed.selection, framer.framing.content_type, framer.bookmarks)
        self.attending = True
        try:
            await self._audiences.attend(like, self, feed, framer)
        finally:
            self.attending = False

    async def _watch(self) -> None:
        try:
            async with aclosing(self._batches) as batches:
                async for batch in batches:
                    data = self.framer.framed(batch)
                    self.own.append(data)
                    self.received += data
                    await self.room.wait()  # as a write does, when the socket's buffer is full
        except Expired:
            self.end = "410"
        else:
            self.end = "end"


class Watching(list[Watcher]):
    """Some watchers, who leave in the end.

    Attributes:
        audiences: all of theirs.
    """

    def __init__(self) -> None:
        self.audiences = Audiences()

    def join(self, cache: JobCache, since: int, **more: Any) -> Watcher:
        """Let another one watch."""
        self.append(Watcher(self.audiences, cache, since, **more))
        return self[-1]

    async def leave(self) -> None:
        """Let all leave."""
        for each in self:
            await each.leave()
        assert not self.audiences._audiences, "nobody is left to be told anything"
