"""Where the logs of many containers become one: lines of different ones follow each other, and are never mixed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Protocol, TypeAlias

from service.logs.lines import Piece, pieces, prefixed

Put: TypeAlias = Callable[[bytes], Awaitable[None]]


def all_of(piece: Piece) -> bytes:
    """Return a piece as it is."""
    return piece.data


class Sink(Protocol):
    """Takes the one log, at its reader's pace.

    Attributes:
        has_begun: something could be read.
        wants_body: whether what was read is wanted, or only that it can be.
    """

    has_begun: bool
    wants_body: bool

    async def begin(self) -> None:
        """Take note that something can be read; may be called again and again."""

    async def write(self, data: bytes) -> None:
        """Take bytes, and return when there is room for more."""


class Output:
    """Passes lines on to a sink. A writer waits for the one before it, so that nothing piles up here.

    Args:
        sink: takes them.

    Attributes:
        sink: the same.
    """

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self._turn = asyncio.Lock()
        self._lacks_end = False

    async def relay(
        self, chunks: AsyncIterator[bytes], prefix: bytes, taken: Callable[[Piece], bytes] = all_of
    ) -> None:
        """Pass on a container's log.

        Args:
            chunks: its bytes.
            prefix: what goes before each line; may be empty.
            taken: returns what of a piece is passed on.

        Raises:
            Exception: whatever the chunks raise; of a line that was not whole nothing is passed on, unless it is
                longer than `lines.LONGEST_HELD_LINE`.
        """
        async with AsyncExitStack() as turn, aclosing(pieces(chunks)) as found:
            async for piece in found:
                if piece.begins:
                    put = await turn.enter_async_context(self._turn_to_write())
                data = taken(piece)
                await put(prefixed(prefix, data) if piece.begins else data)
                if piece.ends:
                    await turn.aclose()

    async def write(self, line: bytes) -> None:
        """Pass on a line."""
        async with self._turn_to_write() as put:
            await put(line)

    @asynccontextmanager
    async def _turn_to_write(self) -> AsyncIterator[Put]:
        """Wait for one's turn to write; a line of another container that lacks its end is ended first."""
        async with self._turn:
            interrupts = self._lacks_end

            async def put(data: bytes) -> None:
                nonlocal interrupts
                if not data:
                    return
                text, interrupts = b"\n" + data if interrupts else data, False
                self._lacks_end = True  # of what is cut off here, one cannot know
                await self.sink.write(text)
                self._lacks_end = not data.endswith(b"\n")

            yield put
