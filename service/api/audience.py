"""Watchers who are told the same: what they are told is made once, and written to each of them.

With a thousand watchers of a namespace, a task that wakes up for each of them and makes the same bytes anew would
take as much again as the system takes to send them.
"""

import asyncio
from collections.abc import Hashable
from typing import Protocol

import structlog

from service.api.watch_framer import WatchFramer
from service.cache.batches import SharedFeed
from service.errors import Expired

_log = structlog.stdlib.get_logger(__name__)

# After so many of them, others have their turn.
_TOLD_AT_A_TIME = 100


class Member(Protocol):
    """One watcher."""

    def offer(self, data: bytes, framer: WatchFramer) -> bool:
        """Take some of the stream, which a framer has written; tell whether there was room for it."""


class Audience:
    """Watchers who look through the same selection, and read the same form.

    Args:
        feed: tells what happens.
        framer: a member's; what happens is written down as it would.
    """

    def __init__(self, feed: SharedFeed, framer: WatchFramer) -> None:
        self._feed, self._framer = feed, framer
        self._members: dict[Member, tuple[SharedFeed, asyncio.Future[None]]] = {}
        self._telling = asyncio.create_task(self._tell_all())

    @property
    def is_over(self) -> bool:
        """Whether nobody is told anything any more."""
        return self._telling.done()

    async def attend(self, member: Member, feed: SharedFeed) -> None:
        """Let a watcher be told what comes, until it is too slow, or there is nothing to be told any more.

        The last one who leaves ends the audience.

        Args:
            member: the watcher.
            feed: the watcher's own, which is at its end; it is moved on as the watcher is told.
        """
        left = asyncio.get_running_loop().create_future()
        self._members[member] = feed, left
        try:
            await left
        finally:
            del self._members[member]
            if not self._members:
                self._telling.cancel()
                await asyncio.wait([self._telling])

    async def _tell_all(self) -> None:
        cursor = self._feed.cursor
        try:
            while True:
                batch = await self._feed.next()
                # Where the window began anew earlier, who joins then is to be told more than this feed tells.
                if batch is None or cursor.is_ahead:
                    return
                # Another one each time: what is a place untold to one member was told to another before.
                framer = self._framer.anew()
                await self._tell(framer.framed(batch), framer)
        except Expired:
            return  # each of them finds out by itself, and tells it
        except Exception:
            _log.exception("a bug: watchers are told one by one")
        finally:
            for _, left in self._members.values():
                _let_go(left)

    async def _tell(self, data: bytes, framer: WatchFramer) -> None:
        """Tell everybody but who is further, and thus knows it already, or some of it.

        Args:
            data: what came between the feed's two places; the members who are before that miss nothing else.
            framer: has written it.
        """
        cursor, before = self._feed.cursor, self._feed.before
        for count, (member, (feed, left)) in enumerate(list(self._members.items()), start=1):
            if count % _TOLD_AT_A_TIME == 0:
                await asyncio.sleep(0)
            if left.done() or feed.cursor.place == cursor.place != before.place:
                continue
            if feed.cursor.place < before.place:
                feed.cursor.follow(before)  # or one that is let go might be too late for what it need not be told
            if feed.cursor.place == before.place and member.offer(data, framer):
                feed.cursor.follow(cursor)
            else:
                _let_go(left)


class Audiences:
    """All audiences, by what their members have in common."""

    def __init__(self) -> None:
        self._audiences: dict[Hashable, Audience] = {}

    async def attend(self, key: Hashable, member: Member, feed: SharedFeed, framer: WatchFramer) -> None:
        """Let a watcher be told what comes together with its like, until it has to be served at its own pace.

        Args:
            key: what all who are told the same have in common.
            member: the watcher.
            feed: the watcher's own, which is at its end.
            framer: the watcher's own.
        """
        audience = self._audiences.get(key)
        if audience is None or audience.is_over:
            own = SharedFeed(feed.cache, feed.selection, feed.cursor.resource_version)
            audience = self._audiences[key] = Audience(own, framer)
        try:
            await audience.attend(member, feed)
        finally:
            if audience.is_over and self._audiences.get(key) is audience:
                del self._audiences[key]


def _let_go(left: asyncio.Future[None]) -> None:
    if not left.done():
        left.set_result(None)
