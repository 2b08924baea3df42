"""The lines of many containers become one log, in which they are never mixed."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.logs import lines
from service.logs.output import Output


class Sink:
    """Takes bytes as slowly as everything else lets it."""

    has_begun = True
    wants_body = True

    def __init__(self) -> None:
        self.received = b""

    async def begin(self) -> None:
        pass

    async def write(self, data: bytes) -> None:
        for byte in range(0, len(data), 7):
            self.received += data[byte : byte + 7]
            await asyncio.sleep(0)


async def arriving(chunks: Sequence[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


async def both(one: Sequence[bytes], two: Sequence[bytes]) -> bytes:
    output = Output(Sink())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(output.relay(arriving(one), b"1> "))
        tasks.create_task(output.relay(arriving(two), b"2> "))
    assert isinstance(output.sink, Sink)
    return output.sink.received


chunks = st.lists(st.sampled_from([b"a", b"\n", b"long and longer", b"b\nc\nd"]), max_size=12)


@given(chunks, chunks)
async def test_lines_of_two_are_never_mixed(one: list[bytes], two: list[bytes]) -> None:
    received = (await both(one, two)).split(b"\n")
    for prefix, given_chunks in ((b"1> ", one), (b"2> ", two)):
        expected = b"".join(given_chunks).split(b"\n")
        mine = [line[3:] for line in received if line.startswith(prefix)]
        assert mine == (expected if expected[-1] else expected[:-1])
    assert all(line[1:3] == b"> " for line in received[:-1])
    last = received[-1]
    assert last in {b"", b"1> " + b"".join(one).split(b"\n")[-1], b"2> " + b"".join(two).split(b"\n")[-1]}


async def test_a_long_line_lets_no_other_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_HELD_LINE", 10)
    long = [b"x" * 11] * 5 + [b"\n"]
    received = await both(long, [b"a\n"] * 4)
    assert sorted(received.splitlines(keepends=True)) == [b"1> " + b"x" * 55 + b"\n"] + [b"2> a\n"] * 4


async def test_a_last_line_that_lacks_its_end_is_ended_only_where_another_follows() -> None:
    sink = Sink()
    output = Output(sink)
    await output.relay(arriving([b"a"]), b"1> ")
    await output.relay(arriving([b"b"]), b"2> ")
    assert sink.received == b"1> a\n2> b"
    await output.write(b"the end\n")
    await output.write(b"indeed\n")
    assert sink.received == b"1> a\n2> b\nthe end\nindeed\n"


async def test_a_log_that_breaks_off_within_a_line_leaves_nothing_of_it() -> None:
    sink = Sink()
    output = Output(sink)

    async def broken() -> AsyncIterator[bytes]:
        yield b"a\nb"
        raise EOFError

    with pytest.raises(EOFError):
        await output.relay(broken(), b"1> ")
    await output.relay(arriving([b"c\n"]), b"2> ")
    assert sink.received == b"1> a\n2> c\n"
