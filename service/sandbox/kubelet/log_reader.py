"""Which part of a container's log a caller gets, as the kubelet's own reader has it.

A log is a file of lines as https://github.com/containerd/containerd's CRI plugin writes them: one for each line of
the container, or several where that is long, and each has the time of its writing.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

# Longer ago nothing was written; so it is a date.
_MOST_SECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a log file.

    Attributes:
        time: when it was written.
        text: a line of the container with its newline, or without it a piece that is not the line's last one.
    """

    time: datetime
    text: bytes


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What part is wanted: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/.

    Attributes:
        follow: whether to go on until the container has ended.
        previous: whether that of the run before the present one is wanted.
        since_time: when the first line was written, or later; None for any time.
        since_seconds: the same, as how long ago that is.
        timestamps: whether each line begins with its time.
        tail_lines: how many of the last lines; None for all.
        limit_bytes: after how many bytes to end; None for never.
    """

    follow: bool = False
    previous: bool = False
    since_time: datetime | None = None
    since_seconds: int | None = None
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None


class LogReader:
    """Reads one log once, from its beginning.

    Args:
        options: what part is wanted.
        now: the time.

    Attributes:
        is_full: whether all bytes that were wanted are read.
    """

    def __init__(self, options: LogOptions, now: datetime) -> None:
        self.is_full = False
        self._options = options
        self._since = options.since_time
        if options.since_seconds is not None:
            self._since = now - timedelta(seconds=min(options.since_seconds, _MOST_SECONDS))
        self._room = options.limit_bytes
        self._is_new_line = True

    def tail(self, lines: Iterable[LogLine]) -> Iterable[LogLine]:
        """Return with how many of the lines that there are reading begins; pieces count as lines."""
        wanted = self._options.tail_lines
        return lines if wanted is None else deque(lines, maxlen=wanted)

    def read(self, lines: Iterable[LogLine]) -> bytes:
        """Return what a caller gets to see of the next lines."""
        return b"".join(self._read(line) for line in lines)

    def _read(self, line: LogLine) -> bytes:
        begins, self._is_new_line = self._is_new_line, not line.text or line.text.endswith(b"\n")
        if self.is_full or (self._since is not None and line.time < self._since):
            return b""
        text = timestamp(line.time) + b" " + line.text if self._options.timestamps and begins else line.text
        if self._room is not None:
            text = text[: self._room]
            self._room -= len(text)
            self.is_full = not self._room
        return text


def timestamp(time: datetime) -> bytes:
    """Return a time, in UTC, as it stands in a log: always with nine digits of a second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f000Z").encode()
