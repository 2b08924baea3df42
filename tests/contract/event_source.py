"""Watches as an EventSource reads them."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from tests.callers import Caller
from tests.contract.watching import opened
from tests.waiting import WATCHDOG_SECONDS

EVENT_STREAM = {"Accept": "text/event-stream"}
# To a carriage return that came last, a line feed may still belong.
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


@dataclass(frozen=True, slots=True)
class Block:
    """What an event stream holds between two blank lines, after the fields were read.

    Attributes:
        type: the event's type; `message` where it has none.
        data: what an EventSource dispatches; empty where it dispatches nothing.
        id: the id that the block sets, None where it sets none.
        last_event_id: the id that an EventSource knows after it.
        comments: how many comments it has.
    """

    type: str
    data: str
    id: str | None
    last_event_id: str
    comments: int


@dataclass(slots=True)
class EventSource:
    """Reads an event stream as HTML has it, whatever the pieces in which it comes.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

    Attributes:
        last_event_id: what it would send as Last-Event-ID if the stream broke off now.
        retry: after how many milliseconds it would connect again; None where it was told nothing.
    """

    last_event_id: str = ""
    retry: int | None = None
    _bytes: bytes = b""
    _id: str = ""
    _fields: list[tuple[str, str]] = field(default_factory=list)

    def feed(self, piece: bytes) -> list[Block]:
        """Read some more of the stream, and return the blocks that are complete by that."""
        self._bytes += piece
        blocks = []
        while (line := self._next_line()) is not None:
            if line:
                self._take(line.decode())
            elif (block := self._dispatched()) is not None:
                blocks.append(block)
        return blocks

    def _next_line(self) -> bytes | None:
        if (end := _LINE_END.search(self._bytes)) is None:
            return None
        line, self._bytes = self._bytes[: end.start()], self._bytes[end.end() :]
        return line

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        self._fields.append((name, value))
        if name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)

    def _dispatched(self) -> Block | None:
        fields, self._fields = self._fields, []
        self.last_event_id = self._id
        if not fields:
            return None
        values = {name: value for name, value in fields if name}
        data = "\n".join(value for name, value in fields if name == "data")
        comments = sum(not name for name, _ in fields)
        return Block(values.get("event") or "message", data, values.get("id"), self._id, comments)


@dataclass(slots=True)
class EventStream:
    """A watch as server-sent events.

    Attributes:
        response: the answer.
        last_event_id: where the last block that was read leaves an EventSource.
        source: reads the stream, further than its blocks were asked for.
        received: all bytes that came.
    """

    response: aiohttp.ClientResponse
    last_event_id: str = ""
    source: EventSource = field(default_factory=EventSource)
    received: bytearray = field(default_factory=bytearray)
    _blocks: list[Block] = field(default_factory=list)

    async def next(self) -> Block | None:
        """Return the next block; None at an end that was no break."""
        while not self._blocks:
            async with asyncio.timeout(WATCHDOG_SECONDS):
                piece = await self.response.content.readany()
            if not piece:
                return None
            self.received += piece
            self._blocks += self.source.feed(piece)
        block = self._blocks.pop(0)
        self.last_event_id = block.last_event_id
        return block

    async def blocks_until(self, is_last: Callable[[Block], bool]) -> list[Block]:
        """Return the next blocks, up to and with the one that is the last."""
        blocks: list[Block] = []
        while not blocks or not is_last(blocks[-1]):
            block = await self.next()
            assert block is not None, "the stream has ended"
            blocks.append(block)
        return blocks

    async def take(self, count: int) -> list[Block]:
        """Return the next blocks."""
        blocks = [await self.next() for _ in range(count)]
        assert None not in blocks, "the stream has ended"
        return [block for block in blocks if block]


@asynccontextmanager
async def streaming(
    caller: Caller, path: str, query: str = "", last_event_id: str = ""
) -> AsyncIterator[EventStream]:
    """Watch as an EventSource does that saw this id last, and hang up in the end."""
    resumed = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with opened(caller, path, query, {**EVENT_STREAM, **resumed}) as response:
        assert response.status == 200, await response.read()
        yield EventStream(response, last_event_id, EventSource(last_event_id, _id=last_event_id))
