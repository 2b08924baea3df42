"""The place of an audience's members: how their watches end, and from where they can go on."""

import pytest

from service.cache.selection import Selection
from service.kube.watch import bookmark
from tests.api.watchers import OTHERS, Watching, cache_at, change, settled


def line_of(version: int) -> bytes:
    return b'{"type":"BOOKMARK","object":%b}\n' % bookmark(version)


async def test_a_farewell_tells_a_place_that_the_last_event_is_behind(watching: Watching) -> None:
    cache = cache_at(10)
    wanting, without = watching.join(cache, 10, bookmarks=True), watching.join(cache, 10)
    events = watching.join(cache, 10, bookmarks=True, events=True)
    await settled()
    change(cache, 11)
    change(cache, 12, OTHERS)
    await settled()
    assert wanting.offered
    assert await wanting.leave() == line_of(12)
    assert await without.leave() == b""
    assert (await events.leave()).startswith(b"event: BOOKMARK\nid: 12\ndata: {")


async def test_there_is_no_farewell_where_the_last_event_tells_the_place(watching: Watching) -> None:
    cache = cache_at(10)
    wanting = [watching.join(cache, 10, bookmarks=True, events=events) for events in (True, False)]
    await settled()
    change(cache, 11)
    await settled()
    for each in wanting:
        assert each.offered
        assert await each.leave() == b""


@pytest.mark.parametrize("events", [True, False])
async def test_a_place_that_others_were_told_before_is_told_to_who_joins_there(
    watching: Watching, events: bool
) -> None:
    cache = cache_at(10)
    before = watching.join(cache, 10, events=events, bookmarks=True)
    await settled()
    change(cache, 11)
    await settled()
    # This one began with what is now, whatever that is: nobody has told it.
    joining = watching.join(cache, 11, events=events, bookmarks=True)
    await settled()
    cache.window.wake()
    await settled()
    assert before.offered[-1] == joining.offered[-1]
    if events:
        assert b"id: 11\n\n" in joining.received
    else:
        assert await joining.leave() == line_of(11)
    assert await before.leave() == b""


async def test_a_place_that_is_told_already_is_not_told_again_because_others_know_less(watching: Watching) -> None:
    cache = cache_at(10)
    watching.join(cache, 10, bookmarks=True)
    await settled()
    change(cache, 11)
    await settled()
    change(cache, 12, OTHERS)
    await settled()
    joining = watching.join(cache, 12, bookmarks=True, begins_afresh=True)
    await settled()
    assert joining.own == [line_of(12).replace(b'"12"', b'"12","annotations":{"k8s.io/initial-events-end":"true"}')]
    cache.window.wake()
    await settled()
    assert joining.offered == [b""]
    assert await joining.leave() == b""


async def test_who_joins_after_what_is_not_selected_stays_with_the_others(watching: Watching) -> None:
    cache = cache_at(10)
    watching.join(cache, 10)
    await settled()
    for version in (11, 12):
        change(cache, version, OTHERS)
        await settled()
        watching.join(cache, version)
        await settled()
    change(cache, 13)
    await settled()
    for each in watching:
        assert each.versions == [13]
        assert not each.own


async def test_who_is_too_slow_need_not_look_again_at_what_was_not_selected(watching: Watching) -> None:
    cache = cache_at(10, most_changes=4)
    slow = watching.join(cache, 10)
    await settled()
    for version in range(11, 31):
        change(cache, version, OTHERS)
        await settled()
    slow.room.clear()
    change(cache, 31)
    await settled()
    slow.room.set()
    await settled()
    assert (slow.end, slow.versions) == (None, [31])


async def test_when_nothing_is_heard_for_long_all_end_at_the_tick_that_finds_it(watching: Watching) -> None:
    cache = cache_at(10)
    for _ in range(3):
        watching.join(cache, 10)
    await settled()
    change(cache, 11)
    await settled()
    cache._stale_seconds = -1.0
    cache.window.wake()
    await settled()
    assert [(each.end, each.versions) for each in watching] == [("end", [11])] * 3


async def test_what_happened_before_nothing_was_heard_is_told_before_the_end(watching: Watching) -> None:
    cache = cache_at(10)
    slow, quick = watching.join(cache, 10), watching.join(cache, 10)
    await settled()
    slow.room.clear()
    for version in (11, 12, 13):
        change(cache, version)
        await settled()
    cache._stale_seconds = -1.0
    slow.room.set()
    cache.window.wake()
    await settled()
    cache.window.wake()
    await settled()
    assert [(each.end, each.versions) for each in (slow, quick)] == [("end", [11, 12, 13])] * 2


async def test_a_window_that_begins_anew_later_is_an_end_to_all_who_do_not_know_that_moment(
    watching: Watching,
) -> None:
    cache = cache_at(10)
    for _ in range(3):
        watching.join(cache, 10)
    await settled()
    cache.replace([], 15)
    # It comes in the moment in which the others are told that theirs is forgotten.
    late = watching.join(cache, 15)
    await settled()
    change(cache, 16)
    await settled()
    assert [(each.end, each.versions) for each in watching] == [("410", [])] * 3 + [(None, [16])]
    assert late.end is None


async def test_a_window_that_begins_anew_where_all_are_ends_nothing(watching: Watching) -> None:
    cache = cache_at(10)
    for _ in range(3):
        watching.join(cache, 10)
    await settled()
    cache.replace([], 10)
    late = watching.join(cache, 10)
    await settled()
    change(cache, 11)
    await settled()
    change(cache, 12)
    await settled()
    assert [each.versions for each in watching] == [[11, 12]] * 4
    assert all(each.attending for each in (*watching, late))


@pytest.mark.parametrize("together", [True, False])
async def test_a_window_that_begins_anew_earlier_hides_nothing_from_who_joins_then(
    watching: Watching, together: bool
) -> None:
    """As after a backup of etcd was restored: resourceVersions are given a second time."""
    cache = cache_at(10)
    before = watching.join(cache, 10)
    await settled()
    cache.replace([], 7)
    if not together:
        await settled()
    joining = watching.join(cache, 7)
    await settled()
    for version in (8, 9, 10, 11):
        change(cache, version)
        await settled()
    assert joining.versions == [8, 9, 10, 11]
    # That one's place is from another time; it is told what comes later, as if it had asked for that.
    assert before.versions == [11]


async def test_an_audience_lets_go_of_everything_of_a_selection_that_nobody_has_any_more(
    watching: Watching,
) -> None:
    cache = cache_at(10)
    for namespace in ("one", "two", "three"):
        each = watching.join(cache, 10, selection=Selection(namespace))
        await settled()
        assert len(watching.audiences._audiences) == 1
        await each.leave()
    assert not watching.audiences._audiences
