"""Lines stay whole, and their bytes what they are, however a log is chopped on its way."""

from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.logs.lines import LONGEST_HELD_LINE, Piece, pieces, prefixed

LONG = b"\r\xff" * LONGEST_HELD_LINE

# Few kinds of bytes, so that newlines are common; \r and \xff are to mean nothing.
logs = st.lists(st.sampled_from([b"\n", b"a", b"\r", b"\xff", b"\x00"]), max_size=40).map(b"".join)


async def arriving(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def pieces_of(chunks: Iterable[bytes]) -> list[Piece]:
    return [piece async for piece in pieces(arriving(chunks))]


@st.composite
def chopped(draw: st.DrawFn) -> list[bytes]:
    """Return a log in chunks, none of which is empty."""
    log = draw(logs)
    places = sorted(draw(st.sets(st.integers(1, max(1, len(log) - 1)), max_size=10)))
    chunks = [log[begin:end] for begin, end in zip([0, *places], [*places, len(log)], strict=True)]
    return [chunk for chunk in chunks if chunk]


@given(chopped())
async def test_pieces_are_whole_lines_and_together_the_log(chunks: list[bytes]) -> None:
    found = await pieces_of(chunks)
    assert b"".join(piece.data for piece in found) == b"".join(chunks)
    assert all(piece.begins and piece.ends for piece in found)
    assert all(piece.data.endswith(b"\n") for piece in found[:-1])


@pytest.mark.parametrize("end", [b"", b"\n", b"\nlast", b"\n\n"])
@pytest.mark.parametrize("chunk_bytes", [65_536, LONGEST_HELD_LINE, 10**9])
async def test_a_long_line_is_handed_on_in_parts_that_say_so(chunk_bytes: int, end: bytes) -> None:
    log = b"first\n" + LONG + end
    found = await pieces_of(log[place : place + chunk_bytes] for place in range(0, len(log), chunk_bytes))
    assert b"".join(piece.data for piece in found) == log
    is_open = False
    for piece in found:
        assert piece.begins == (not is_open)
        assert not is_open or piece.data.count(b"\n") <= 1
        is_open = not piece.ends
    assert not is_open
    shown = b"".join(prefixed(b"> ", piece) for piece in found)
    assert shown.count(b"> ") == log.count(b"\n") + (not log.endswith(b"\n"))
    assert shown.replace(b"> ", b"") == log


@given(logs, st.booleans())
def test_each_line_that_begins_gets_the_prefix(log: bytes, begins: bool) -> None:
    lines = log.split(b"\n")
    expected = [b"> " + line for line in lines[:-1]] + [b"> " + lines[-1] if lines[-1] else b""]
    text = b"\n".join(expected)
    assert prefixed(b"> ", Piece(log, begins=begins, ends=True)) == (text if begins else text[2:])
    assert prefixed(b"", Piece(log, begins=begins, ends=True)) == log
