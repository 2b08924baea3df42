"""The time that the sandbox's controllers go by, which a test can turn."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """Let it not happen."""


class Clock(Protocol):
    """Tells the time, and calls back when it has come."""

    def now(self) -> datetime:
        """Return the time, in UTC."""

    def call_at(self, when: datetime, callback: Callable[[], None]) -> Timer:
        """Call a function at a time, or soon when that has passed."""


class EventLoopClock:
    """The time as it is; callbacks run in the event loop that runs at the time of asking."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)

    def call_at(self, when: datetime, callback: Callable[[], None]) -> Timer:
        """Call a function at a time, or soon when that has passed."""
        return asyncio.get_running_loop().call_later((when - self.now()).total_seconds(), callback)


def timestamp(when: datetime) -> str:
    """Return a time as metav1.Time is written: whole seconds, the rest cut off."""
    return when.isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def parsed(text: str) -> datetime:
    """Return the time of a metav1.Time."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
