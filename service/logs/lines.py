"""Lines of a log: whole whatever the chunks are that they come in, and with a prefix."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple

# A line that is longer is handed on in parts.
LONGEST_HELD_LINE = 1024 * 1024 + 64


class Piece(NamedTuple):
    """Whole lines, or a part of a long one.

    Attributes:
        data: the bytes; never torn but in a long line.
        begins: whether they are at a line's begin.
        ends: whether they are at a line's end; the last line of a log may have none, and ends all the same.
    """

    data: bytes
    begins: bool
    ends: bool


async def pieces(chunks: AsyncIterator[bytes]) -> AsyncGenerator[Piece, None]:
    """Yield lines as soon as they are whole.

    Raises:
        Exception: whatever the chunks raise; what is held of a line then is not yielded.
    """
    held, is_long = b"", False
    async for chunk in chunks:
        if is_long:
            part, newline, chunk = chunk.partition(b"\n")  # noqa: PLW2901 (the rest of it)
            yield Piece(part + newline, begins=False, ends=bool(newline))
            is_long = not newline
        whole, newline, rest = chunk.rpartition(b"\n")
        if newline:
            yield Piece(held + whole + newline, begins=True, ends=True)
            held = rest
        else:
            held += rest
        if len(held) > LONGEST_HELD_LINE:
            yield Piece(held, begins=True, ends=False)
            held, is_long = b"", True
    if held or is_long:
        yield Piece(held, begins=not is_long, ends=True)


def prefixed(prefix: bytes, piece: Piece) -> bytes:
    """Return lines with something before each that begins there; the last one may lack its end."""
    lines = piece.data
    if not (prefix and lines):
        return lines
    end = lines[-1:] if lines.endswith(b"\n") else b""
    text = lines[: len(lines) - len(end)].replace(b"\n", b"\n" + prefix) + end
    return prefix + text if piece.begins else text
