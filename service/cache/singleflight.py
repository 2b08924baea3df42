"""Reads that may be shared: callers who ask for the same while a read is under way share the next one.

Never the one that is under way: it began before they asked, and might show what was before that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from service.cache.shared_task import SharedTask

T = TypeVar("T")

# A read that hangs must not hold up those who came later for as long as it may hang.
_PATIENCE_SECONDS = 1.0


@dataclass(slots=True)
class _UnderWay:
    """The reads of one key that are under way; `over` is set when none is."""

    count: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)


class SharedReads(Generic[T]):
    """Reads by key; callers with equal keys may get the same result.

    Attributes:
        calls: how often a result was asked for.
        begun: how many reads that took.
    """

    def __init__(self) -> None:
        self.calls = self.begun = 0
        self._under_way: dict[Hashable, _UnderWay] = {}
        self._next: dict[Hashable, SharedTask[T]] = {}

    async def read(self, key: Hashable, fetch: Callable[[], Awaitable[T]]) -> T:
        """Return what a read brings that begins after this call.

        Args:
            key: what is read, and everything that the result depends on.
            fetch: reads; anyone's may be the one that is called for all who share.

        Raises:
            Exception: whatever `fetch` raises, to all who share.
        """
        self.calls += 1
        if key not in self._next and key not in self._under_way:
            with self._reading(key):
                return await fetch()
        if key not in self._next:
            self._next[key] = SharedTask(self._read_next(key, fetch), partial(self._forget, key))
        return await self._next[key].result()

    async def _read_next(self, key: Hashable, fetch: Callable[[], Awaitable[T]]) -> T:
        if (before := self._under_way.get(key)) is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await before.over.wait()
        del self._next[key]
        with self._reading(key):
            return await fetch()

    def _forget(self, key: Hashable, shared: SharedTask[T]) -> None:
        if self._next.get(key) is shared:
            del self._next[key]

    @contextmanager
    def _reading(self, key: Hashable) -> Iterator[None]:
        self.begun += 1
        reads = self._under_way.setdefault(key, _UnderWay())
        reads.count += 1
        try:
            yield
        finally:
            reads.count -= 1
            if not reads.count:
                del self._under_way[key]
                reads.over.set()
