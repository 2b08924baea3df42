"""The keys that a controller has to look at: now, or when their time comes."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from service.sandbox.clock import Clock, Timer
from service.sandbox.store import Key

_log = structlog.stdlib.get_logger("service.sandbox")


class WorkQueue:
    """Keys in the order in which they came, each at most once, and at most one timer for each.

    A controller looks at the whole object whenever its key comes up, so nothing is lost when a key that waits
    is added again, and the queue never holds more than there are objects.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ready: dict[Key, None] = {}
        self._timers: dict[Key, tuple[datetime, Timer]] = {}
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        """Return how many keys are to be looked at now."""
        return len(self._ready)

    def add(self, key: Key) -> None:
        """Have a key looked at, as soon as those before it were."""
        self._ready[key] = None
        self._wake.set()

    def add_at(self, key: Key, when: datetime) -> None:
        """Have a key looked at when a time has come; of two times that are asked for, at the earlier one."""
        if key in self._timers:
            if self._timers[key][0] <= when:
                return
            self._timers.pop(key)[1].cancel()
        if when <= self._clock.now():
            self.add(key)
        else:
            self._timers[key] = when, self._clock.call_at(when, lambda: self._due(key))

    def add_after(self, key: Key, seconds: float) -> None:
        """Have a key looked at after some time."""
        self.add_at(key, self._clock.now() + timedelta(seconds=seconds))

    def forget(self, key: Key) -> None:
        """Look at a key no more, unless it is added again."""
        self._ready.pop(key, None)
        if key in self._timers:
            self._timers.pop(key)[1].cancel()

    async def work(self, look: Callable[[Key], None]) -> None:
        """Look at each key in turn until cancelled, which also ends the timers.

        A look that fails is a bug of ours; it is logged, and the key waits for its object's next change.
        """
        try:
            while True:
                await self._wake.wait()
                while self._ready:
                    self._look(next(iter(self._ready)), look)
                    await asyncio.sleep(0)  # a thousand keys must not keep the server from answering
                self._wake.clear()
        finally:
            for key in tuple(self._timers):
                self.forget(key)

    def _look(self, key: Key, look: Callable[[Key], None]) -> None:
        del self._ready[key]
        try:
            look(key)
        except Exception:
            _log.exception("the sandbox cannot go on with an object", **key._asdict())

    def _due(self, key: Key) -> None:
        del self._timers[key]
        self.add(key)
