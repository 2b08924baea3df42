"""Every answer that lasts: each has an end, and all end when the service does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Streams:
    """The streams, and the waits, that are open.

    Attributes:
        ending: the service is shutting down.
    """

    def __init__(self) -> None:
        self.ending = False
        self._open: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def lasting(self, seconds: float) -> AsyncIterator[None]:
        """Let something last for a time, or until the service ends.

        Raises:
            TimeoutError: the time is over, or the service ends.
        """
        async with asyncio.timeout(0 if self.ending else seconds) as lifetime:
            self._open.add(lifetime)
            try:
                yield
            finally:
                self._open.discard(lifetime)

    def end(self) -> None:
        """End what is open, and whatever is opened from now on."""
        self.ending = True
        now = asyncio.get_running_loop().time()
        for lifetime in self._open:
            if not lifetime.expired():
                lifetime.reschedule(now)
