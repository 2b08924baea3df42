"""How far the log of a container was passed on: what of it comes once more is left out."""

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from service.logs.lines import Piece

# As the kubelet writes it: nanoseconds, and the node's own time zone.
_TIME = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})(Z|[+-]\d\d:\d\d) ", re.MULTILINE)

# A time in its parts, as they stand in a log: seconds, nanoseconds, zone.
_Time: TypeAlias = tuple[bytes, bytes, bytes]


class Progress:
    """How far a container's log was passed on, so that it can be asked for again from there.

    Lines come with their times, which tell what was there before; they are taken off where nobody wants them. Some
    runtimes give one time to many lines, so that those of the latest time are counted.

    Args:
        keeps_times: whether they are wanted.
        limit_bytes: how many bytes may be passed on altogether; None for all.
        begins_within: the log is not read from its beginning, so that lines before the first one may bear its time.

    Attributes:
        has_begun: the log was read, if only its nothing.
        latest: the latest time of those lines that were passed on, as the kubelet wrote it; empty for none.
    """

    def __init__(self, *, keeps_times: bool, limit_bytes: int | None, begins_within: bool) -> None:
        self.has_begun = False
        self.latest = ""
        self._latest: tuple[float, bytes] = (-math.inf, b"")
        self._keeps_times = keeps_times
        self._room = limit_bytes
        self._begins_within = begins_within
        self._count: float = 0  # of the lines of the latest time that were passed on, or may have been left out
        self._unended_bytes = 0  # of the last line that was passed on, where it lacks its end
        self._skips = False
        self._to_skip: float = 0  # of the lines of the latest time
        self._rest_to_skip: int | None = None  # of the line that was passed on in part, while it comes once more

    @property
    def is_full(self) -> bool:
        """Whether no more bytes may be passed on."""
        return self._room == 0

    def begin(self) -> None:
        """Note that the log is read, perhaps once more: from the second that has the latest line."""
        self.has_begun = True
        self._skips, self._to_skip, self._rest_to_skip = bool(self.latest), self._count, None

    def take(self, piece: Piece) -> Piece:
        """Return what of a piece is new, in the form in which it is wanted."""
        if self._skips:
            piece = self._new(piece)
        data = piece.data
        if not data:
            return piece
        start = 0 if piece.begins else data.find(b"\n") + 1 or len(data)  # of the first line that begins here
        if start < len(data):
            self._note(data, start)
            data = data if self._keeps_times else data[:start] + _TIME.sub(b"", data[start:])
        elif data.endswith(b"\n"):
            self._unended_bytes = 0
        else:
            self._unended_bytes += len(data)
        if self._room is not None:
            data = data[: self._room]
            self._room -= len(data)
        return piece._replace(data=data)

    def _new(self, piece: Piece) -> Piece:
        """Return the lines after the latest; a line without a time is the rest of one that began before it."""
        data, place = piece.data, 0
        if not piece.begins:
            return self._after(piece, 0)
        while place < len(data):
            match = _TIME.match(data, place)
            at = _instant(match.groups()) if match else (-math.inf, b"")
            if at > self._latest or (at == self._latest and not self._to_skip):
                self._skips = False
                return piece._replace(data=data[place:])
            if at == self._latest:
                self._to_skip -= 1
                if not self._to_skip and self._unended_bytes:
                    self._rest_to_skip = self._unended_bytes
                    return self._after(piece, place)
            place = data.find(b"\n", place) + 1 or len(data)
        return piece._replace(data=b"")

    def _after(self, piece: Piece, place: int) -> Piece:
        """Return what comes, from a place on, after the part of a line that was passed on."""
        if self._rest_to_skip is None:
            return piece._replace(data=b"")
        begin = place + self._rest_to_skip
        self._rest_to_skip = max(0, begin - len(piece.data))
        self._skips = begin >= len(piece.data)
        return Piece(piece.data[begin:], begins=False, ends=piece.ends)

    def _note(self, data: bytes, start: int) -> None:
        """Note lines that are passed on, from where one begins."""
        self._unended_bytes = 0 if data.endswith(b"\n") else len(data) - data.rfind(b"\n") - 1
        times = _TIME.findall(data, start)
        if not times:
            return
        newest = _newest(times)
        if (at := _instant(newest)) < self._latest:
            return
        if at > self._latest:
            may_lack_some = self._begins_within and not self.latest and times[0] == newest
            self._latest, self._count = at, math.inf if may_lack_some else 0
        seconds, nanoseconds, zone = newest
        self.latest = (b"%b.%b%b" % (seconds, nanoseconds, zone)).decode()
        self._count += times.count(newest)


def _newest(times: Sequence[_Time]) -> _Time:
    """Return the latest time; where a node's zone changes, the clock goes back."""
    of_each_zone = {time[2]: time for time in sorted(times)}
    return max(of_each_zone.values(), key=_instant)


def _instant(time: Sequence[bytes]) -> tuple[float, bytes]:
    """Return a time so that it can be compared: seconds since 1970, and nanoseconds as digits."""
    seconds, nanoseconds, zone = time
    return datetime.fromisoformat((seconds + zone).decode()).timestamp(), nanoseconds
