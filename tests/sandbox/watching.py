"""A watch as a test reads it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import msgspec
from yarl import URL

from service.sandbox.store import Object
from tests.callers import Caller
from tests.waiting import WATCHDOG_SECONDS


@dataclass(frozen=True, slots=True)
class Watch:
    """A stream of events."""

    response: aiohttp.ClientResponse

    async def line(self) -> bytes:
        """Return the next event as it came; nothing when the stream has ended as it should."""
        async with asyncio.timeout(WATCHDOG_SECONDS):
            return await self.response.content.readuntil(b"\n")

    async def event(self) -> Object:
        """Return the next event."""
        event: Object = msgspec.json.decode(await self.line())
        return event

    async def events(self, count: int) -> list[Object]:
        """Return the next events."""
        return [await self.event() for _ in range(count)]

    async def rest(self) -> list[Object]:
        """Return all events up to the end of the stream."""
        events = []
        while line := await self.line():
            events.append(msgspec.json.decode(line))
        return events


@asynccontextmanager
async def watching(
    caller: Caller, path: str, query: str = "", headers: Mapping[str, str] | None = None
) -> AsyncIterator[Watch]:
    """Watch a collection, and hang up in the end."""
    url = URL(f"{caller.url}{path}?watch=true&{query}", encoded=True)
    async with caller.session.get(url, headers={**caller.headers, **(headers or {})}, ssl=caller.tls) as response:
        assert response.status == 200, await response.read()
        yield Watch(response)


def told(event: Object) -> tuple[str, str, int]:
    """Return what happened to which object, and its resourceVersion."""
    metadata = event["object"]["metadata"]
    return event["type"], metadata.get("name", ""), int(metadata["resourceVersion"])


def types_and_names(events: list[Object]) -> list[tuple[str, str]]:
    """Return what happened to which objects."""
    return [told(event)[:2] for event in events]
