"""The window of recent changes: a reader is told each change once and in order, or that it came too late."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cache.watch_window import Change, Cursor, WatchWindow
from service.errors import Expired
from tests.cache.jobs import a_job

PLENTY = 1_000_000


def change(version: int, filling: int = 0) -> Change:
    return Change("ADDED", a_job(f"job-{version}", version, filling=filling), None)


def window_of(*versions: int, most_changes: int = PLENTY, most_bytes: int = PLENTY) -> WatchWindow:
    window = WatchWindow(most_changes, most_bytes)
    for version in versions:
        window.add(change(version))
    return window


async def told(window: WatchWindow, cursor: Cursor) -> list[int]:
    """Return the versions of what a cursor is told next; where there is nothing, it is ticked."""
    reading = asyncio.ensure_future(cursor.next())
    await asyncio.sleep(0)
    window.wake()
    return [each.resource_version for each in await reading]


async def all_told(window: WatchWindow, cursor: Cursor) -> list[int]:
    found: list[int] = []
    while batch := await told(window, cursor):
        found += batch
    return found


async def test_a_cursor_is_told_what_came_after_it_in_order() -> None:
    window = window_of(3, 5, 9)
    for since, expected in ((0, [3, 5, 9]), (3, [5, 9]), (4, [5, 9]), (9, []), (12, [])):
        cursor = Cursor(window, since)
        assert await all_told(window, cursor) == expected
        assert cursor.resource_version == max(since, 9)


async def test_a_cursor_that_waits_is_woken_by_a_change_by_a_reset_and_by_a_tick() -> None:
    window = window_of(1)
    cursor = Cursor(window, 1)
    reading = asyncio.ensure_future(cursor.next())
    await asyncio.sleep(0)
    assert not reading.done()
    window.add(change(2))
    assert [each.resource_version for each in await reading] == [2]
    window.progress(7)
    assert await told(window, cursor) == []
    assert cursor.resource_version == 7
    reading = asyncio.ensure_future(cursor.next())
    await asyncio.sleep(0)
    window.reset(8)
    with pytest.raises(Expired):
        await reading


async def test_a_cursor_from_the_future_is_not_told_what_comes_before_that() -> None:
    window = window_of(1)
    cursor = Cursor(window, 5)
    for version in (2, 5, 6):
        window.add(change(version))
    assert await all_told(window, cursor) == [6]
    behind = Cursor(window, 9)
    window.add(change(7))
    assert await told(window, behind) == []
    assert behind.resource_version == 9


async def test_a_reader_who_leaves_while_it_waits_disturbs_nobody() -> None:
    window = window_of(1)
    leaving, staying = (asyncio.ensure_future(Cursor(window, 1).next()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    window.add(change(2))
    assert [each.resource_version for each in await staying] == [2]
    assert leaving.cancelled()


async def test_the_window_holds_no_more_changes_than_it_may() -> None:
    window = window_of(*range(1, 101), most_changes=10)
    assert len(window) <= 10
    assert window.end == 100
    assert window.latest == 100
    assert await all_told(window, Cursor(window, window.start)) == list(range(window.start + 1, 101))
    with pytest.raises(Expired, match=f"too old resource version: {window.start - 1} "):
        Cursor(window, window.start - 1)


async def test_the_window_holds_no_more_bytes_than_it_may() -> None:
    size = len(change(100, 10_000).job.raw)
    window = WatchWindow(PLENTY, 5 * size)
    for version in range(100, 120):
        window.add(change(version, 10_000))
        assert len(window) <= 5
    assert await all_told(window, Cursor(window, window.start)) == list(range(window.start + 1, 120))
    # One that is too large by itself is not held at all, and whoever needed it is told so.
    window.add(change(120, 60_000))
    assert (len(window), window.start, window.latest) == (0, 120, 120)
    with pytest.raises(Expired):
        Cursor(window, 119)
    assert await told(window, Cursor(window, 120)) == []


async def test_a_reader_that_is_overtaken_by_the_window_is_told_so() -> None:
    window = window_of(1, 2, 3, most_changes=4)
    slow, quick = Cursor(window, 0), Cursor(window, 3)
    for version in range(4, 9):
        window.add(change(version))
        assert await told(window, quick) == [version]
    with pytest.raises(Expired):
        await slow.next()


async def test_a_batch_is_no_larger_than_is_worth_a_write() -> None:
    window = WatchWindow(PLENTY, PLENTY)
    for version in range(1, 41):
        window.add(change(version, 10_000))
    cursor = Cursor(window, 0)
    batches = []
    while batch := await told(window, cursor):
        assert cursor.resource_version == batch[-1]
        batches.append(batch)
    assert len(batches) > 1
    assert [version for batch in batches for version in batch] == list(range(1, 41))


async def test_a_window_that_begins_anew_where_a_reader_is_goes_on() -> None:
    window = window_of(1, 2)
    knowing, behind = Cursor(window, 2), Cursor(window, 1)
    window.reset(2)
    window.add(change(3))
    assert await all_told(window, knowing) == [3]
    with pytest.raises(Expired):
        await behind.next()


async def test_a_cursor_is_at_its_end_where_whatever_comes_is_to_be_told() -> None:
    window = window_of(1, 2)
    behind, knowing, later = Cursor(window, 1), Cursor(window, 2), Cursor(window, 4)
    assert [each.is_at_end for each in (behind, knowing, later)] == [False, True, False]
    assert [each.place for each in (behind, knowing, later)] == [1, 2, 2]
    assert later.is_ahead
    window.progress(4)
    assert [each.is_at_end for each in (behind, knowing, later)] == [False, True, True]
    window.add(change(5))
    assert not any(each.is_at_end for each in (behind, knowing, later))
    for each in (behind, knowing, later):
        await all_told(window, each)
        assert each.is_at_end
        assert each.place == window.end == 3
    window.reset(3)
    assert not any(each.is_at_end for each in (behind, knowing, later)), "they know nothing of what is there now"
    assert behind.is_ahead


async def test_a_cursor_that_follows_another_is_told_what_that_one_is_told() -> None:
    window = window_of(1, 2, 3)
    first, second = Cursor(window, 0), Cursor(window, 2)
    first.follow(second)
    assert (first.place, first.resource_version) == (2, 2)
    assert await all_told(window, first) == [3]
    assert (second.place, second.resource_version) == (2, 2)


class Model:
    """What happened, what is not known of it, and what each reader was told."""

    def __init__(self, most_changes: int, most_bytes: int) -> None:
        self.window = WatchWindow(most_changes, most_bytes)
        self.seen: set[int] = set()
        self.unseen: set[int] = set()
        self.readers: list[Cursor] = []

    def add(self, step: int, filling: int) -> None:
        version = self.window.latest + step
        self.window.add(change(version, filling))
        self.seen.add(version)

    def reset(self, step: int) -> None:
        """Begin anew later on; there may have been a change at each moment that was missed."""
        before, now = self.window.latest, self.window.latest + step
        self.unseen.update(range(before + 1, now + 1))
        self.window.reset(now)

    def join(self, back: int) -> None:
        version = max(0, self.window.latest - back)
        try:
            self.readers.append(Cursor(self.window, version))
        except Expired:
            assert version < self.window.start

    async def read(self, number: int) -> bool:
        """Let a reader read once; return whether it was told anything."""
        reader = self.readers[number % len(self.readers)]
        known = reader.resource_version
        try:
            found = await told(self.window, reader)
        except Expired:
            assert known < self.window.start
            self.readers.remove(reader)
            return False
        span = range(known + 1, reader.resource_version + 1)
        assert found == sorted(self.seen.intersection(span))
        assert not self.unseen.intersection(span)
        return bool(found)

    async def finish(self) -> None:
        """Let every reader that is left read to the end, where it knows everything."""
        for reader in list(self.readers):
            while reader in self.readers and await self.read(self.readers.index(reader)):
                pass
            if reader in self.readers:
                assert reader.resource_version >= self.window.latest


STEPS = st.integers(1, 3)
OPERATIONS = st.one_of(
    st.tuples(st.just("add"), STEPS, st.sampled_from([0, 0, 300, 2_000])),
    st.tuples(st.just("add"), STEPS, st.just(0)),
    st.tuples(st.just("progress"), st.integers(0, 3)),
    st.tuples(st.just("reset"), st.integers(0, 3)),
    st.tuples(st.just("join"), st.integers(-4, 12)),
    st.tuples(st.just("read"), st.integers(0, 9)),
)


@given(st.integers(1, 12), st.sampled_from([400, 3_000, PLENTY]), st.lists(OPERATIONS, max_size=60))
async def test_no_series_of_changes_evictions_and_resets_leaves_a_reader_with_a_gap(
    most_changes: int, most_bytes: int, operations: Sequence[tuple[str, int, int] | tuple[str, int]]
) -> None:
    model = Model(most_changes, most_bytes)
    for name, *numbers in operations:
        match name:
            case "add":
                model.add(*numbers)
            case "progress":
                model.window.progress(model.window.latest + numbers[0])
            case "reset":
                model.reset(*numbers)
            case "join":
                model.join(*numbers)
            case "read" if model.readers:
                await model.read(*numbers)
        assert len(model.window) <= most_changes
    await model.finish()
