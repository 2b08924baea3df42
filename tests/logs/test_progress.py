"""A log that is asked for again and again, because it breaks off, is passed on whole and once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.logs import lines
from service.logs.output import Output
from service.logs.progress import Progress

START = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-3))]


class Broken(Exception):
    """The log broke off."""


class Line(NamedTuple):
    """A line of a container.

    Attributes:
        at: when it was written, in tenths of a second; several may be written at a time.
        text: what.
        zone: the node's.
    """

    at: int
    text: bytes
    zone: timezone = UTC

    @property
    def second(self) -> datetime:
        return (START + timedelta(seconds=self.at // 10)).astimezone(self.zone)

    @property
    def time(self) -> bytes:
        whole = self.second.isoformat()
        text = f"{whole[:19]}.{self.at % 10}00000000{whole[19:]}".replace("+00:00", "Z")
        return text.encode() + b" "


class Sink:
    """Keeps what was passed on."""

    def __init__(self) -> None:
        self.has_begun = False
        self.wants_body = True
        self.received = b""

    async def begin(self) -> None:
        self.has_begun = True

    async def write(self, data: bytes) -> None:
        self.received += data


def answered(log: Sequence[Line], latest: str, tail: int | None = None) -> bytes:
    """Return what the apiserver answers, which cuts the time since when to whole seconds."""
    shown = [line for line in log if not latest or line.second >= datetime.fromisoformat(latest[:19] + latest[29:])]
    return b"".join(line.time + line.text for line in (shown if tail is None else shown[len(shown) - tail :]))


async def arriving(text: bytes, chunk_bytes: int, *, breaks: bool) -> AsyncIterator[bytes]:
    for place in range(0, len(text), chunk_bytes):
        yield text[place : place + chunk_bytes]
    if breaks:
        raise Broken


async def read_on(
    output: Output, progress: Progress, text: bytes, cut: int | None = None, chunk_bytes: int = 65_536
) -> None:
    """Read an answer to its end, or up to where it is cut."""
    progress.begin()
    with suppress(Broken):
        await output.relay(arriving(text[:cut], chunk_bytes, breaks=cut is not None), b"", progress.take)


texts = st.sampled_from([b"220\n", b"a\n", b"\n", b"\r\xff\n", b"2026-01-01T00:00:00.000000000Z \n"])


@st.composite
def written(draw: st.DrawFn) -> list[Line]:
    """Return a log: times never go back, the node's zone may change, the last line may lack its end."""
    steps = draw(st.lists(st.tuples(st.sampled_from([0, 0, 1, 5, 10]), texts), min_size=1, max_size=12))
    zone, other = draw(st.sampled_from(ZONES)), draw(st.sampled_from(ZONES))
    change, at, log = draw(st.integers(0, 20)), draw(st.integers(0, 30)), []
    for number, (step, text) in enumerate(steps):
        at += step
        log.append(Line(at, text, zone if number < change else other))
    if draw(st.booleans()):
        log[-1] = log[-1]._replace(text=b"last")
    return log


@given(written(), st.lists(st.integers(0, 600), max_size=5), st.integers(1, 200), st.booleans(), st.data())
async def test_nothing_is_lost_and_nothing_comes_twice(
    log: list[Line], cuts: list[int], chunk_bytes: int, keeps_times: bool, data: st.DataObject
) -> None:
    sink, progress = Sink(), Progress(keeps_times=keeps_times, limit_bytes=None, begins_within=False)
    output = Output(sink)
    for cut in cuts:
        there = log[: data.draw(st.integers(0, len(log)))]  # so much of it was written by then
        if progress.latest and not any(line.text == b"last" for line in there):
            there = log
        await read_on(output, progress, answered(there, progress.latest), cut, chunk_bytes)
    for _ in range(2):
        await read_on(output, progress, answered(log, progress.latest), None, chunk_bytes)
    assert sink.received == b"".join(line.time * keeps_times + line.text for line in log)


@given(written(), st.integers(0, 14), st.lists(st.integers(0, 600), max_size=3))
async def test_of_a_tail_the_lines_before_it_never_come(log: list[Line], tail: int, cuts: list[int]) -> None:
    tail = min(tail, len(log))
    sink, progress = Sink(), Progress(keeps_times=False, limit_bytes=None, begins_within=True)
    output = Output(sink)
    # Which of those that bear the time of the first one belong to the tail is not known once it has broken off.
    is_clear = tail == 0 or [line.at for line in log].count(log[-tail].at) == 1
    for cut in [*cuts, None] if is_clear else [None]:
        asked_tail = None if progress.latest else tail
        await read_on(output, progress, answered(log, progress.latest, asked_tail), cut)
    if progress.latest:
        await read_on(output, progress, answered(log, progress.latest))
    assert sink.received == b"".join(line.text for line in log[len(log) - tail :])


@given(written(), st.integers(1, 40), st.lists(st.integers(0, 600), max_size=3), st.booleans())
async def test_a_limit_counts_what_the_caller_gets(
    log: list[Line], limit: int, cuts: list[int], keeps_times: bool
) -> None:
    sink, progress = Sink(), Progress(keeps_times=keeps_times, limit_bytes=limit, begins_within=False)
    for cut in [*cuts, None]:
        await read_on(Output(sink), progress, answered(log, progress.latest), cut)
    whole = b"".join(line.time * keeps_times + line.text for line in log)
    assert sink.received == whole[:limit]
    assert progress.is_full == (len(whole) >= limit)


@pytest.mark.parametrize("cut", range(40, 130, 7))
@pytest.mark.parametrize("chunk_bytes", [1, 50, 1000])
async def test_a_long_line_that_broke_off_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch, cut: int, chunk_bytes: int
) -> None:
    monkeypatch.setattr(lines, "LONGEST_HELD_LINE", 40)
    log = [Line(0, b"first\n"), Line(0, b"x" * 30 + b"y" * 30 + b"\n"), Line(1, b"last\n")]
    sink, progress = Sink(), Progress(keeps_times=False, limit_bytes=None, begins_within=False)
    output = Output(sink)
    await read_on(output, progress, answered(log, ""), cut, chunk_bytes)
    await read_on(output, progress, answered(log, progress.latest), cut + 5, chunk_bytes)
    await read_on(output, progress, answered(log, progress.latest), None, chunk_bytes)
    assert sink.received == b"".join(line.text for line in log)


async def test_what_was_written_out_of_order_comes_once() -> None:
    log = [Line(5, b"stdout\n"), Line(4, b"stderr\n"), Line(4, b"more\n")]
    sink, progress = Sink(), Progress(keeps_times=False, limit_bytes=None, begins_within=False)
    for _ in range(3):
        await read_on(Output(sink), progress, answered(log, progress.latest))
    assert sink.received == b"stdout\nstderr\nmore\n"


async def test_the_rest_of_a_line_that_began_before_comes_once() -> None:
    sink, progress = Sink(), Progress(keeps_times=False, limit_bytes=None, begins_within=False)
    begin, rest = Line(9, b"begins "), b"and ends\n"
    await read_on(Output(sink), progress, begin.time + begin.text + rest + Line(11, b"a\n").time + b"a\n")
    # Its pieces have times of their own, of which the kubelet shows the first one only.
    await read_on(Output(sink), progress, rest + Line(11, b"a\n").time + b"a\n" + Line(12, b"b\n").time + b"b\n")
    assert sink.received == b"begins and ends\na\nb\n"


def test_a_log_without_lines_has_been_read() -> None:
    progress = Progress(keeps_times=False, limit_bytes=None, begins_within=False)
    assert not progress.has_begun
    progress.begin()
    assert (progress.has_begun, progress.latest, progress.is_full) == (True, "", False)
