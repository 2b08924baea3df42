"""An audience: what its members are told is made once, and nobody loses anything by being told with others."""

import asyncio

import pytest

from service.api import audience
from service.api.watch_framer import WatchFramer
from service.cache.batches import Batch
from service.cache.selection import Selection
from tests.api.watchers import OTHERS, TEAM, Watching, cache_at, change, settled


@pytest.fixture
def framed(monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """Return what was made into bytes, each time that it was."""
    found: list[Batch] = []
    frame = WatchFramer.framed

    def counting(self: WatchFramer, batch: Batch) -> bytes:
        found.append(batch)
        return frame(self, batch)

    monkeypatch.setattr(WatchFramer, "framed", counting)
    return found


async def test_all_are_told_the_same_bytes_which_are_made_once(watching: Watching, framed: list[Batch]) -> None:
    cache = cache_at(10)
    for _ in range(250):
        watching.join(cache, 10)
    await settled()
    for version in (11, 12, 13):
        change(cache, version)
        await settled()
    for each in watching:
        assert each.versions == [11, 12, 13]
        assert each.offered == watching[0].offered
        assert each.offered[0] is watching[0].offered[0]
        assert not each.own
    assert len(framed) == 3


async def test_who_joins_while_the_others_are_told_is_told_what_comes_after(watching: Watching) -> None:
    cache = cache_at(10)
    for _ in range(3 * audience._TOLD_AT_A_TIME):
        watching.join(cache, 10)
    await settled()
    change(cache, 11)
    while not watching[0].offered:
        await asyncio.sleep(0)
    assert not watching[-1].offered
    change(cache, 12)
    late = [watching.join(cache, since) for since in (10, 11, 12)]
    await asyncio.sleep(0)
    change(cache, 13)
    await settled()
    change(cache, 14)
    await settled()
    for each in watching[: -len(late)]:
        assert each.versions == [11, 12, 13, 14]
    assert [each.versions for each in late] == [[11, 12, 13, 14], [12, 13, 14], [13, 14]]


async def test_who_is_too_slow_is_told_the_rest_at_its_own_pace_and_then_attends_again(watching: Watching) -> None:
    cache = cache_at(10)
    slow, quick = watching.join(cache, 10), watching.join(cache, 10)
    await settled()
    change(cache, 11)
    await settled()
    slow.room.clear()
    for version in (12, 13, 14):
        change(cache, version)
        await settled()
    assert (slow.attending, slow.versions) == (False, [11, 12])
    assert (quick.attending, quick.versions) == (True, [11, 12, 13, 14])
    slow.room.set()
    await settled()
    assert slow.versions == [11, 12, 13, 14]
    assert slow.attending
    change(cache, 15)
    await settled()
    assert slow.versions == quick.versions == [11, 12, 13, 14, 15]
    assert (len(slow.offered), len(slow.own)) == (2, 2)
    assert len(quick.offered) == 5


async def test_the_last_who_leaves_ends_the_audience_and_the_next_begins_another(watching: Watching) -> None:
    cache = cache_at(10)
    before = asyncio.all_tasks()
    first, second = watching.join(cache, 10), watching.join(cache, 10)
    await settled()
    (one,) = watching.audiences._audiences.values()
    await first.leave()
    change(cache, 11)
    await settled()
    assert (first.versions, second.versions) == ([], [11])
    assert not one.is_over
    await second.leave()
    assert one.is_over
    assert not watching.audiences._audiences
    assert asyncio.all_tasks() == before
    third = watching.join(cache, 11)
    await settled()
    (other,) = watching.audiences._audiences.values()
    assert other is not one
    change(cache, 12)
    await settled()
    assert third.versions == [12]


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("changes_first", [True, False])
async def test_who_joins_while_the_audience_ends_loses_nothing(
    watching: Watching, turns: int, changes_first: bool
) -> None:
    cache = cache_at(10)
    leaving = watching.join(cache, 10)
    await settled()
    joining = watching.join(cache, 10)
    for _ in range(turns):
        await asyncio.sleep(0)
    if changes_first:
        change(cache, 11)
    leaving._watching.cancel()
    for version in (12, 13):
        await asyncio.sleep(0)
        change(cache, version)
    await settled()
    change(cache, 14)
    await settled()
    assert joining.versions == [11, 12, 13, 14][not changes_first :]
    assert joining.attending


async def test_who_hangs_up_while_it_is_waited_for_its_turn_is_told_nothing(watching: Watching) -> None:
    cache = cache_at(10)
    for _ in range(2 * audience._TOLD_AT_A_TIME):
        watching.join(cache, 10)
    await settled()
    change(cache, 11)
    while not watching[0].offered:
        await asyncio.sleep(0)
    watching[-1]._watching.cancel()
    await settled()
    assert not watching[-1].offered
    assert all(each.versions == [11] for each in watching[:-1])


async def test_what_differs_in_selection_form_or_bookmarks_is_another_audience(watching: Watching) -> None:
    cache = cache_at(10)
    for events in (True, False):
        for bookmarks in (True, False):
            for selection in (Selection(TEAM), Selection()):
                for _ in range(2):
                    watching.join(cache, 10, events=events, bookmarks=bookmarks, selection=selection)
    watching.join(cache_at(10), 10)
    await settled()
    assert len(watching.audiences._audiences) == 9
    change(cache, 11)
    change(cache, 12, OTHERS)
    await settled()
    for one, other in zip(watching[:-1:2], watching[1:-1:2], strict=True):
        assert one.offered == other.offered != []
    assert not watching[-1].offered


async def test_a_tick_is_a_comment_and_a_place_to_those_who_read_events_and_nothing_in_lines(
    watching: Watching,
) -> None:
    cache = cache_at(10)
    lines, events = watching.join(cache, 10), watching.join(cache, 10, events=True)
    await settled()
    cache.progress(17)
    cache.window.wake()
    await settled()
    assert lines.received == b""
    assert events.received == b":\n\nid: 17\n\n"
    assert lines.attending
    assert events.attending


async def test_a_bookmark_is_told_once_a_minute_to_those_who_want_it(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = cache_at(10)
    wanting = watching.join(cache, 10, bookmarks=True), watching.join(cache, 10, bookmarks=True, events=True)
    others = watching.join(cache, 10), watching.join(cache, 10, events=True)
    await settled()
    monkeypatch.setattr("service.cache.batches._BOOKMARK_SECONDS", -1.0)
    cache.progress(17)
    cache.window.wake()
    await settled()
    assert [each.received.count(b"BOOKMARK") for each in (*wanting, *others)] == [1, 1, 0, 0]
    assert wanting[0].received.count(b'"resourceVersion":"17"') == 1
    assert [each.received.count(b"id: 17\n") for each in (*wanting, *others)] == [0, 1, 0, 1]
    assert [await each.leave() for each in (*wanting, *others)] == [b""] * 4
