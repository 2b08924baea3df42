"""One piece of work that several callers wait for."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SharedTask(Generic[T]):
    """Work that goes on as long as anyone waits for it.

    Args:
        work: what is done.
        give_up: called with it when the last who waited has left before its end: nobody may join any more.

    Attributes:
        callers: how many wait for it.
    """

    def __init__(self, work: Coroutine[Any, Any, T], give_up: "Callable[[SharedTask[T]], None]") -> None:
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(self._wake)
        self._waiting: list[asyncio.Future[None]] = []
        self._give_up = give_up
        self.callers = 0

    async def result(self) -> T:
        """Wait for the result, with others; the last who leaves ends the work, and waits until it has let go.

        Raises:
            Exception: whatever the work raises, to all who wait.
        """
        self.callers += 1
        try:
            if not self._task.done():
                await self._done()
            return self._task.result()
        finally:
            self.callers -= 1
            if not self.callers and not self._task.done():
                self._give_up(self)
                self._task.cancel()
                await asyncio.wait([self._task])

    async def _done(self) -> None:
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def _wake(self, _: "asyncio.Task[T]") -> None:
        for each in self._waiting:
            if not each.done():
                each.set_result(None)
