"""A watch is read event by event, however its lines are long and however its bytes come."""

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.kube.responses import UpstreamBroken, UpstreamResponse
from service.kube.watch import WatchEvent, bookmark, code_of, events_of

EVENT = b'{"type":"ADDED","object":{"metadata":{"name":"%b"}}}'
TYPES = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR")


class Chunks:
    """An answer whose body comes in given chunks, and may break off after them."""

    def __init__(self, chunks: Sequence[bytes], *, breaks: bool = False) -> None:
        self._chunks = chunks
        self._breaks = breaks

    async def chunks(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        if self._breaks:
            raise UpstreamBroken


async def read(*chunks: bytes, breaks: bool = False) -> tuple[list[WatchEvent], bool]:
    """Return the events that a body has, and whether it broke off."""
    found = []
    try:
        async for event in events_of(cast("UpstreamResponse", Chunks(chunks, breaks=breaks))):
            found.append(event)  # noqa: PERF401 (what came before it broke off counts)
    except UpstreamBroken:
        return found, True
    return found, False


@given(
    st.lists(st.tuples(st.sampled_from(TYPES), st.integers(0, 3000)), max_size=6),
    st.lists(st.integers(0, 20_000), max_size=12),
    st.integers(0, 20_000),
    st.booleans(),
)
async def test_lines_of_any_length_in_chunks_of_any_size_are_the_events_that_they_are(
    told: Sequence[tuple[str, int]], cuts: Sequence[int], end: int, whole: bool
) -> None:
    objects = [b'{"filling":"%b","number":%d}' % (b"x" * size, number) for number, (_, size) in enumerate(told)]
    lines = [
        b'{"type":"%b","object":%b}\n' % (type_.encode(), each)
        for (type_, _), each in zip(told, objects, strict=True)
    ]
    body = b"".join(lines)
    body = body if whole else body[:end]
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    chunks = [body[start:stop] for start, stop in pairwise(places)]
    found, broke = await read(*chunks)
    complete = body.count(b"\n")
    expected = [WatchEvent(type_, each) for (type_, _), each in zip(told, objects, strict=True)]
    assert found == expected[:complete]
    assert broke is not (not body or body.endswith(b"\n"))


async def test_the_last_line_needs_its_end_and_empty_lines_are_none() -> None:
    event = WatchEvent("ADDED", b'{"metadata":{"name":"a"}}')
    line = EVENT % b"a"
    assert await read(line + b"\n\n\n" + line + b"\n") == ([event, event], False)
    assert await read(line + b"\n" + line) == ([event], True)
    assert await read(line + b"\n", breaks=True) == ([event], True)
    assert await read() == ([], False)
    assert await read(b"\n") == ([], False)


@pytest.mark.parametrize("line", [b"no JSON", b"[]", b'{"type":"ADDED"}', b'{"object":{}}', b"\xff", b'{"type":1}'])
async def test_a_line_that_is_no_event_breaks_the_watch(line: bytes) -> None:
    found, broke = await read(EVENT % b"a" + b"\n" + line + b"\n" + EVENT % b"b" + b"\n")
    assert [each.object for each in found] == [b'{"metadata":{"name":"a"}}']
    assert broke


def test_a_bookmark_is_a_job_with_a_version_and_no_more() -> None:
    for ends in (False, True):
        event = WatchEvent("BOOKMARK", bookmark(2**63, ends_initial_events=ends))
        assert event.resource_version == 2**63
        assert event.ends_initial_events is ends
        told = msgspec.json.decode(event.object)
        assert (told["kind"], told["apiVersion"]) == ("Job", "batch/v1")
    assert not WatchEvent("ADDED", bookmark(5, ends_initial_events=True)).ends_initial_events
    with pytest.raises(msgspec.DecodeError):
        _ = WatchEvent("ADDED", b'{"metadata":{"resourceVersion":"soon"}}').resource_version


@pytest.mark.parametrize(
    ("raw", "code"), [(b'{"code":410}', 410), (b"{}", 0), (b"[]", 0), (b'"text"', 0), (b'{"code":"410"}', 0)]
)
def test_the_code_of_an_error_is_read_where_there_is_one(raw: bytes, code: int) -> None:
    assert code_of(WatchEvent("ERROR", raw)) == code
