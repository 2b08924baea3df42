"""Waiting for an event, instead of for a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

# The longest that a test waits for an event before it calls it missing. It is no statement about speed.
WATCHDOG_SECONDS = 60.0


async def eventually(holds: Callable[[], Any]) -> Any:
    """Wait until something holds, and return its value."""
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while not (value := holds()):
            await asyncio.sleep(0.01)
    return value


async def eventually_true(asked: Callable[[], Awaitable[bool]]) -> None:
    """Ask until the answer is yes."""
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while not await asked():
            await asyncio.sleep(0.05)
