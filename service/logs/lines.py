"""Lines of a log: whole whatever the chunks are that they come in, with a prefix, or with their times taken off."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import NamedTuple

# A line that is longer is handed on in parts.
LONGEST_HELD_LINE = 1024 * 1024 + 64

# As the kubelet writes it: nanoseconds, and the node's own time zone.
_TIME = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})(Z|[+-]\d\d:\d\d) ", re.MULTILINE)


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


def prefixed(prefix: bytes, lines: bytes) -> bytes:
    """Return lines with something before each; the last one may lack its end."""
    if not (prefix and lines):
        return lines
    end = lines[-1:] if lines.endswith(b"\n") else b""
    return prefix + lines[: len(lines) - len(end)].replace(b"\n", b"\n" + prefix) + end


class Progress:
    """How far a container's log was passed on, so that it can be asked for again from there.

    Lines come with their times, which tell what was there before; they are taken off where nobody wants them.

    Args:
        keeps_times: whether they are wanted.
        limit_bytes: how many bytes may be passed on altogether; None for all.

    Attributes:
        has_begun: the log was read, if only its nothing.
        latest: the time of the last line that was passed on, as the kubelet wrote it; empty for none.
    """

    def __init__(self, *, keeps_times: bool, limit_bytes: int | None) -> None:
        self.has_begun = False
        self.latest = ""
        self._keeps_times = keeps_times
        self._room = limit_bytes
        self._skips = False

    @property
    def is_full(self) -> bool:
        """Whether no more bytes may be passed on."""
        return self._room == 0

    def begin(self) -> None:
        """Note that the log is read, perhaps once more: from the second that has the last line."""
        self.has_begun = True
        self._skips = bool(self.latest)

    def take(self, piece: Piece) -> bytes:
        """Return what of a piece is new, in the form in which it is wanted."""
        data = piece.data
        if self._skips:
            data = self._new(piece)
        if piece.begins and data:
            self._note(data)
            data = data if self._keeps_times else _TIME.sub(b"", data)
        if self._room is not None:
            data = data[: self._room]
            self._room -= len(data)
        return data

    def _new(self, piece: Piece) -> bytes:
        """Return the lines after the latest; a line without a time is the rest of one that began before it."""
        data, known, place = piece.data, _instant(_TIME.match(self.latest.encode() + b" ")), 0
        while piece.begins and place < len(data):
            if _instant(_TIME.match(data, place)) > known:
                self._skips = False
                return data[place:]
            place = data.find(b"\n", place) + 1 or len(data)
        return b""

    def _note(self, lines: bytes) -> None:
        begin = lines.rfind(b"\n", 0, len(lines) - 1) + 1
        if match := _TIME.match(lines, begin):
            self.latest = match[0].rstrip().decode()


def _instant(match: re.Match[bytes] | None) -> tuple[float, bytes]:
    """Return a time so that it can be compared: seconds since 1970, and nanoseconds as digits."""
    if match is None:
        return 0.0, b""
    seconds, nanoseconds, zone = match.groups()
    return datetime.fromisoformat((seconds + zone).decode()).timestamp(), nanoseconds
