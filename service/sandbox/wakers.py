"""Wakes those who wait for something to change, however many they are."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Wakers:
    """The events of those who wait."""

    def __init__(self) -> None:
        self._events: set[asyncio.Event] = set()

    @contextmanager
    def waker(self) -> Iterator[asyncio.Event]:
        """Return an event that each change sets; its owner clears it."""
        event = asyncio.Event()
        self._events.add(event)
        try:
            yield event
        finally:
            self._events.remove(event)

    def wake(self) -> None:
        """Tell that something has changed."""
        for event in self._events:
            event.set()
