"""Watches as the tests read them in Kubernetes' lines."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from tests.callers import Caller
from tests.contract.paths import jobs
from tests.waiting import WATCHDOG_SECONDS

ALL_JOBS = "/api/v1/_raw/job"
STREAMING_LIST = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
NOTHING_INITIAL = STREAMING_LIST.replace("true", "false")


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


_line = msgspec.json.Decoder(_Line)


class Event(NamedTuple):
    """One event of a watch.

    Attributes:
        type: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.
        object: the object's bytes, as they came.
    """

    type: str
    object: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.object)

    @property
    def name(self) -> str:
        name: str = self.json["metadata"].get("name", "")
        return name

    @property
    def resource_version(self) -> int:
        return int(self.json["metadata"]["resourceVersion"])

    @property
    def told(self) -> tuple[str, str]:
        """What happened to which object."""
        return self.type, self.name


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch in Kubernetes' lines."""

    response: aiohttp.ClientResponse

    async def line(self) -> bytes:
        """Return the next line; nothing at an end that was no break."""
        async with asyncio.timeout(WATCHDOG_SECONDS):
            line = await self.response.content.readuntil(b"\n")
        assert not line or line.endswith(b"\n")
        return line

    async def next(self) -> Event:
        """Return the next event."""
        line = await self.line()
        assert line, "the stream has ended"
        decoded = _line.decode(line)
        event = Event(decoded.type, bytes(decoded.object))
        # One form only, as the apiserver writes it.
        assert line == b'{"type":"%b","object":%b}\n' % (event.type.encode(), event.object)
        return event

    async def change(self) -> Event:
        """Return the next event that is no bookmark: those come when the apiserver likes."""
        return (await self.events_until(lambda event: event.type != "BOOKMARK"))[-1]

    async def take(self, count: int) -> list[Event]:
        """Return the next events."""
        return [await self.next() for _ in range(count)]

    async def events_until(self, is_last: Callable[[Event], bool]) -> list[Event]:
        """Return the next events, up to and with the one that is the last."""
        events = [await self.next()]
        while not is_last(events[-1]):
            events.append(await self.next())
        return events

    async def has_ended(self) -> bool:
        """Wait for what comes next, and tell whether it is the end, and a clean one."""
        return not await self.line()


@asynccontextmanager
async def opened(
    caller: Caller, path: str, query: str = "", headers: Mapping[str, str] | None = None
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Ask for a watch, whatever the answer; hang up in the end."""
    url = URL(f"{caller.url}{path}?watch=true{'&' if query else ''}{query}", encoded=True)
    async with caller.session.get(url, headers={**caller.headers, **(headers or {})}, ssl=caller.tls) as response:
        yield response


@asynccontextmanager
async def watching(
    caller: Caller, path: str, query: str = "", headers: Mapping[str, str] | None = None
) -> AsyncIterator[Watch]:
    """Watch, of the service or of the apiserver itself, and hang up in the end."""
    async with opened(caller, path, query, headers) as response:
        assert response.status == 200, await response.read()
        yield Watch(response)


async def present(api: Caller, namespace: str) -> int:
    """Return a resourceVersion of now, from which the service can go on: the one that it tells a watcher."""
    async with watching(api, jobs(namespace), "allowWatchBookmarks=true") as watch:
        events = await watch.events_until(lambda event: event.type == "BOOKMARK")
    return events[-1].resource_version


def selecting(labels: str = "", fields: str = "") -> str:
    """Return selectors as a query."""
    given = {"labelSelector": labels, "fieldSelector": fields}
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in given.items() if value)
