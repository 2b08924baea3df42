"""Reads that may be shared: callers who ask for the same while a read is under way share the next one.

Never the one that is under way: it began before they asked, and might show what was before that. Callers who ask in
one turn of the event loop, when none is under way, share one, too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

from service.cache.shared_task import SharedTask

T = TypeVar("T")

# A read that hangs must not hold up those who came later for as long as it may hang.
_PATIENCE_SECONDS = 1.0


class SharedReads(Generic[T]):
    """Reads by key; callers with equal keys may get the same result.

    Attributes:
        calls: how often a result was asked for.
        begun: how many reads that took.
    """

    def __init__(self) -> None:
        self.calls = self.begun = 0
        self._under_way: dict[Hashable, int] = {}  # how many reads
        self._over: dict[Hashable, asyncio.Future[None]] = {}  # done when none is under way; the next one waits
        self._next: dict[Hashable, SharedTask[T]] = {}
        self._asked: set[Hashable] = set()  # for what one has asked in this turn of the event loop

    async def read(self, key: Hashable, fetch: Callable[[], Awaitable[T]]) -> T:
        """Return what a read brings that begins after this call.

        Args:
            key: what is read, and everything that the result depends on.
            fetch: reads; anyone's may be the one that is called for all who share.

        Raises:
            Exception: whatever `fetch` raises, to all who share.
        """
        self.calls += 1
        if key not in self._next and key not in self._under_way and await self._is_alone(key):
            return await self._read_now(key, fetch)
        if key not in self._next:
            self._next[key] = SharedTask(self._read_next(key, fetch), partial(self._forget, key))
        return await self._next[key].result()

    async def _is_alone(self, key: Hashable) -> bool:
        """Tell whether nobody else asks in this turn of the event loop; only the first who asks may be alone."""
        if key in self._asked:
            return False
        self._asked.add(key)
        try:
            await asyncio.sleep(0)
        finally:
            self._asked.discard(key)
        return key not in self._next

    async def _read_next(self, key: Hashable, fetch: Callable[[], Awaitable[T]]) -> T:
        if key in self._under_way:
            await self._none_under_way(key)
        del self._next[key]
        return await self._read_now(key, fetch)

    async def _read_now(self, key: Hashable, fetch: Callable[[], Awaitable[T]]) -> T:
        self.begun += 1
        self._under_way[key] = self._under_way.get(key, 0) + 1
        try:
            return await fetch()
        finally:
            self._end(key)

    async def _none_under_way(self, key: Hashable) -> None:
        over = self._over[key] = asyncio.get_running_loop().create_future()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await over

    def _end(self, key: Hashable) -> None:
        self._under_way[key] -= 1
        if not self._under_way[key]:
            del self._under_way[key]
            over = self._over.pop(key, None)
            if over is not None and not over.done():
                over.set_result(None)

    def _forget(self, key: Hashable, shared: SharedTask[T]) -> None:
        if self._next.get(key) is shared:
            del self._next[key]
