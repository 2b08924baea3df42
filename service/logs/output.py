"""Where the logs of many containers become one: lines of different ones follow each other, and are never mixed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Protocol

from service.logs.lines import Piece, pieces, prefixed


def all_of(piece: Piece) -> Piece:
    """Return a piece as it is."""
    return piece


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
        self._unended: object = None  # whose line lacks its end, if one does

    async def relay(
        self, chunks: AsyncIterator[bytes], prefix: bytes, taken: Callable[[Piece], Piece] = all_of
    ) -> None:
        """Pass on a container's log.

        Args:
            chunks: its bytes.
            prefix: what goes before each line; may be empty.
            taken: returns what of a piece is passed on; the same for each part of a log that comes in parts.

        Raises:
            Exception: whatever the chunks raise; of a line that was not whole nothing is passed on, unless it is
                longer than `lines.LONGEST_HELD_LINE`.
        """
        async with AsyncExitStack() as turn, aclosing(pieces(chunks)) as found:
            async for piece in found:
                if piece.begins:
                    await turn.enter_async_context(self._turn)
                await self._put(taken(piece), prefix, taken)
                if piece.ends:
                    await turn.aclose()

    async def write(self, line: bytes) -> None:
        """Pass on a line."""
        async with self._turn:
            await self._put(Piece(line, begins=True, ends=True), b"", all_of)

    async def _put(self, piece: Piece, prefix: bytes, writer: object) -> None:
        """Pass on a piece; a line that lacks its end is ended first, unless this is its rest."""
        if not piece.data:
            return
        goes_on = not piece.begins and self._unended == writer
        text = prefixed(prefix, piece if goes_on else piece._replace(begins=True))
        text = b"\n" + text if self._unended and not goes_on else text
        self._unended = writer  # of what is cut off here, one cannot know
        await self.sink.write(text)
        if text.endswith(b"\n"):
            self._unended = None
