"""Clients that follow Jobs through the service by the rules of Kubernetes, and write down all that they see."""

import asyncio
import random
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import aiohttp
import msgspec

from tests.faults.history import History, Key, Seen, Selected

_NO_END = aiohttp.ClientTimeout(total=None)
_PAUSE_SECONDS = 0.1
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Event(NamedTuple):
    """One event of a stream.

    Attributes:
        type: its type; empty for a place without an event, which server-sent events have.
        object: its object.
        place: from where the stream can be gone on with; None where the event does not say.
    """

    type: str
    object: Any
    place: int | None


@dataclass(slots=True)
class Stream:
    """What one connection told.

    Attributes:
        initial: the state that it began with, told whole; None where it began at a place, or did not come so far.
        began: the moment of that state, or the place.
        place: the last place that was told.
        changes: what was told after it began.
        end: how it ended: "end", "cut", "hung up", or the code of its ERROR.
    """

    began: int | None = None
    initial: dict[Key, int] | None = None
    place: int | None = None
    changes: list[Seen] = field(default_factory=list)
    end: str = "open"


@dataclass(frozen=True, slots=True)
class Style:
    """How a client follows.

    Attributes:
        name: for messages.
        parameters: the query of each of its watches.
        events: whether it speaks server-sent events.
        lists: whether it begins with a list, rather than with a watch that tells the initial state.
        afresh: what the query has besides where there is no place to go on from.
    """

    name: str
    parameters: dict[str, str] = field(default_factory=dict)
    events: bool = False
    lists: bool = False
    afresh: dict[str, str] = field(default_factory=dict)


_BOOKMARKS = {"allowWatchBookmarks": "true"}
WITH_BOOKMARKS = Style("watch with bookmarks", _BOOKMARKS)
SERVER_SENT = Style("server-sent events", events=True)
LISTED = Style("list and watch", lists=True)
OF_THE_CACHE = Style(
    "watch the cache",
    _BOOKMARKS,
    afresh={"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "resourceVersion": "0"},
)
STYLES = (LISTED, WITH_BOOKMARKS, OF_THE_CACHE, SERVER_SENT)


class Follower:
    """Follows some Jobs for ever.

    Args:
        session: the connections.
        url: the service's.
        selected: which Jobs.
        style: how.
        seed: decides when it hangs up and comes back; None for never.

    Attributes:
        url: the service's; it takes effect with the next connection.
        state: the Jobs as far as it knows.
        streams: what each of its connections told.
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: str, selected: Selected, style: Style, seed: object = None
    ) -> None:
        self._session = session
        self._path = "/api/v1/_raw/job" + (f"/namespace/{selected.namespace}" if selected.namespace else "")
        self._random = random.Random(str(seed))  # noqa: S311 (no secret)
        self._patience = (5, 50, 500) if seed is not None else (sys.maxsize,)
        self._place: int | None = None
        self.url = url
        self.selected = selected
        self.style = style
        self.state: dict[Key, Any] = {}
        self.streams: list[Stream] = []

    def __str__(self) -> str:
        return f"{self.style.name} of {self.selected.namespace or 'all'} {self.selected.selector!r}"

    @asynccontextmanager
    async def following(self) -> AsyncIterator[Self]:
        """Follow for as long as the context."""
        task = asyncio.create_task(self.run())
        try:
            yield self
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._follow()
            except (aiohttp.ClientError, OSError):
                if self.streams and self.streams[-1].end == "open":
                    self.streams[-1].end = "cut"
            await asyncio.sleep(_PAUSE_SECONDS * self._random.random())

    def assert_saw_the_truth(self, history: History, told: str) -> None:
        """Check that no stream left anything out, or told anything twice."""
        for number, stream in enumerate(self.streams):
            if stream.began is None or stream.place is None:
                continue  # the initial state did not come to its end, so that nothing was claimed
            where = f"{told}, {self}, stream {number}: {stream}"
            if stream.initial is not None:
                assert stream.initial == history.state(self.selected, stream.began), where
            until = max(stream.place, *(version for _, _, version in stream.changes), stream.began)
            assert stream.changes == history.seen(self.selected, stream.began, until), where

    async def _follow(self) -> None:
        if self.style.lists and self._place is None:
            await self._list()
        place = self._place
        query = {"watch": "true", "labelSelector": self.selected.selector, **self.style.parameters}
        headers = {"Accept": "text/event-stream" if self.style.events else "application/json"}
        if place is None:
            query |= self.style.afresh
        elif self.style.events:
            headers["Last-Event-ID"] = str(place)
        else:
            query["resourceVersion"] = str(place)
        async with self._session.get(
            f"{self.url}{self._path}?{urlencode(query)}", headers=headers, timeout=_NO_END
        ) as response:
            if response.status != 200:
                return
            self.streams.append(stream := Stream(began=place, place=place))
            decode = _server_sent if self.style.events else _lines
            async with aclosing(decode(response)) as events:
                stream.end = await self._take_all(events, stream)

    async def _list(self) -> None:
        query = urlencode({"labelSelector": self.selected.selector})
        async with self._session.get(f"{self.url}{self._path}?{query}") as response:
            if response.status != 200:
                raise aiohttp.ClientError("no list")
            found = msgspec.json.decode(await response.read())
        self.state = by_key(found)
        self._place = int(found["metadata"]["resourceVersion"])

    async def _take_all(self, events: AsyncIterator[Event], stream: Stream) -> str:
        initial: dict[Key, Any] = {}
        patience = self._random.choice(self._patience)
        async for event in events:
            if event.type == "ERROR":
                if event.object["code"] == 410:
                    self._place = None
                return str(event.object["code"])
            if stream.began is None and not _tells_the_end(event, self.style):
                assert event.type == "ADDED", event
                initial[_key(event.object)] = event.object
                continue
            if stream.began is None:
                stream.began = self._place = event.place
                stream.initial = {key: _version(found) for key, found in initial.items()}
                self.state = initial
            self._take(event, stream)
            if len(stream.changes) > patience:
                return "hung up"
        return "end"

    def _take(self, event: Event, stream: Stream) -> None:
        if event.place is not None:
            stream.place = self._place = event.place
        if event.type not in {"ADDED", "MODIFIED", "DELETED"}:
            return
        key = _key(event.object)
        stream.changes.append((event.type, key, _version(event.object)))
        if event.type == "DELETED":
            self.state.pop(key, None)
        else:
            self.state[key] = event.object


def by_key(found: Any) -> dict[Key, Any]:
    """Return a list's Jobs, each with the kind and the apiVersion that a list leaves out."""
    head = {"kind": "Job", "apiVersion": "batch/v1"}
    return {_key(item): head | item for item in found["items"] or ()}


def _tells_the_end(event: Event, style: Style) -> bool:
    """Tell whether the initial state is complete with this event: by the rules, and not by what follows."""
    if style.events:
        return event.place is not None
    return event.type == "BOOKMARK" and _INITIAL_EVENTS_END in event.object["metadata"].get("annotations", {})


def _key(found: Any) -> Key:
    return found["metadata"]["namespace"], found["metadata"]["name"]


def _version(found: Any) -> int:
    return int(found["metadata"]["resourceVersion"])


async def _lines(response: aiohttp.ClientResponse) -> AsyncGenerator[Event, None]:
    async for line in response.content:
        event = msgspec.json.decode(line)
        found = event["object"]
        yield Event(event["type"], found, None if event["type"] == "ERROR" else _version(found))


async def _server_sent(response: aiohttp.ClientResponse) -> AsyncGenerator[Event, None]:
    fields: dict[str, str] = {}
    async for line in response.content:
        if line != b"\n":
            name, _, value = line.decode().removesuffix("\n").partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        place = int(fields["id"]) if fields.get("id") else None
        if "data" in fields or place is not None:
            yield Event(fields.get("event", ""), msgspec.json.decode(fields.get("data", "null")), place)
        fields = {}
