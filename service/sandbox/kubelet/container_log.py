"""What a container writes, as its log file has it, and the stream of it that a caller gets."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from datetime import datetime, timedelta

from service.sandbox.clock import Clock
from service.sandbox.kubelet.log_reader import LogLine, LogOptions, LogReader
from service.sandbox.kubelet.pod_run import Attempt, PodRun
from service.sandbox.kubelet.programs import Program

# Longer lines are written in pieces: https://github.com/containerd/containerd/blob/main/docs/cri/config.md,
# max_container_log_line_size.
PIECE_BYTES = 16 * 1024
# What a program does after that is never reached; so every time that is reckoned with is a date.
_LAST_SECOND = 1e9


class ContainerLog:
    """The log of one run of a container; a line is written when its newline comes, or when the container ends.

    Args:
        program: what the container does.
        attempt: the run.
    """

    def __init__(self, program: Program, attempt: Attempt) -> None:
        self._output = program.output
        self._attempt = attempt
        self._place = 0
        self._rest = b""

    @property
    def next_at(self) -> datetime | None:
        """When the container will write something again, if it is not ended before; None for never."""
        if self._place == len(self._output):
            return None
        second = min(self._output[self._place].second, _LAST_SECOND)
        return self._attempt.started_at + timedelta(seconds=second)

    def written(self, now: datetime) -> Iterator[LogLine]:
        """Yield the lines that were written by now, except those that were yielded before."""
        ended_at = self._attempt.ended_at
        while (time := self.next_at) is not None and time <= (ended_at or now):
            *whole, self._rest = (self._rest + self._output[self._place].text).split(b"\n")
            self._place += 1
            for line in whole:
                yield from _pieces(line + b"\n", time)
        if ended_at is not None and self._rest:
            rest, self._rest = self._rest, b""
            yield from _pieces(rest, ended_at)


def _pieces(line: bytes, time: datetime) -> Iterator[LogLine]:
    length = len(line.removesuffix(b"\n"))
    while length > PIECE_BYTES:
        yield LogLine(time, line[:PIECE_BYTES])
        line, length = line[PIECE_BYTES:], length - PIECE_BYTES
    yield LogLine(time, line)


async def read_log(
    pod: PodRun, program: Program, attempt: Attempt, options: LogOptions, clock: Clock
) -> AsyncGenerator[bytes, None]:
    """Yield the wanted part of a log: what there is, and then, if it is followed, what comes until the run ends.

    Args:
        pod: the pod.
        program: what the container does.
        attempt: the run whose log it is.
        options: what part is wanted.
        clock: the time.
    """
    log, reader = ContainerLog(program, attempt), LogReader(options, clock.now())
    with pod.wakers.waker() as changed:
        lines = reader.tail(log.written(clock.now()))
        while True:
            changed.clear()
            is_last = not options.follow or attempt.ended_at is not None
            if text := reader.read(lines):
                yield text
            if is_last or reader.is_full:
                return
            await _wait(log, clock, changed)
            lines = log.written(clock.now())


async def _wait(log: ContainerLog, clock: Clock, changed: asyncio.Event) -> None:
    """Wait until the container writes something, or begins or ends."""
    due = log.next_at
    timer = None if due is None else clock.call_at(due, changed.set)
    try:
        await changed.wait()
    finally:
        if timer is not None:
            timer.cancel()
