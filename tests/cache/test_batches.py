"""What a watcher of the shared window is told, and what it holds on to."""

import asyncio
import gc
import weakref
from contextlib import aclosing

import pytest

from service.cache.batches import Batch, SharedFeed, State, shared_batches
from service.cache.job_cache import JobCache
from service.cache.selection import Selection
from service.kube.jobs import Job
from tests.cache.jobs import a_job
from tests.cache.scripted import PLENTY


class Jobs(list[Job]):
    """A list that can be seen to be let go of."""


async def alone(_: SharedFeed) -> None:
    """Attend no audience."""


def cache_at(version: int, stale_seconds: float = 60.0) -> JobCache:
    cache = JobCache(PLENTY, PLENTY, stale_seconds)
    cache.replace([], version)
    return cache


async def test_a_feed_passes_over_what_is_not_selected_and_says_where_the_rest_began() -> None:
    cache = cache_at(10)
    feed = SharedFeed(cache, Selection("team"), 10)
    coming = asyncio.ensure_future(feed.next())
    for version, namespace in ((11, "others"), (12, "others"), (13, "team")):
        await asyncio.sleep(0)
        cache.change("ADDED", a_job("one", version, namespace=namespace))
    batch = await coming
    assert batch is not None
    assert [(each.type, each.resource_version) for each in batch.deliveries] == [("ADDED", 13)]
    assert (feed.before.resource_version, feed.cursor.resource_version, batch.resource_version) == (12, 13, 13)
    assert feed.cursor.place - feed.before.place == 1
    ticked = asyncio.ensure_future(feed.next())
    await asyncio.sleep(0)
    cache.progress(20)
    cache.window.wake()
    assert await ticked == Batch([], 20)
    assert feed.before.place == feed.cursor.place


async def test_a_feed_is_over_when_all_is_told_and_nothing_is_heard_for_long() -> None:
    cache = cache_at(10, stale_seconds=-1.0)
    cache.change("ADDED", a_job("one", 11))
    feed = SharedFeed(cache, Selection(), 10)
    assert not feed.is_over
    assert await feed.next() is not None
    assert feed.is_over
    ending = asyncio.ensure_future(feed.next())
    await asyncio.sleep(0)
    cache.window.wake()
    assert await ending is None


async def test_a_feed_has_a_bookmark_once_a_minute_also_where_nothing_is_selected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = cache_at(10)
    feed = SharedFeed(cache, Selection("team"), 10)
    monkeypatch.setattr("service.cache.batches._BOOKMARK_SECONDS", -1.0)
    cache.change("ADDED", a_job("one", 11, namespace="others"))
    batch = await feed.next()
    assert batch is not None
    assert [(each.type, each.resource_version) for each in batch.deliveries] == [("BOOKMARK", 11)]


async def test_a_watch_attends_when_it_is_told_all_there_is_and_goes_on_from_where_it_was_led() -> None:
    cache, attended = cache_at(10), list[int]()

    async def attend(feed: SharedFeed) -> None:
        attended.append(feed.cursor.resource_version)
        if len(attended) == 1:
            cache.change("MODIFIED", a_job("one", 12))
            other = SharedFeed(cache, Selection(), 12)
            feed.cursor.follow(other.cursor)
            cache.change("MODIFIED", a_job("one", 13))
        else:
            cache.change("MODIFIED", a_job("one", 14))

    cache.change("ADDED", a_job("one", 11))
    batches = shared_batches(cache, State((), 10), Selection(), attend, sends_initial=False)
    async with aclosing(batches):
        told = [await anext(batches) for _ in range(3)]
    assert [[each.resource_version for each in batch.deliveries] for batch in told] == [[11], [13], [14]]
    assert attended == [11, 13]


async def test_a_watch_lets_go_of_its_initial_state_once_that_is_told() -> None:
    cache = JobCache(PLENTY, PLENTY, 60.0)
    cache.replace([], 10)
    jobs = Jobs([a_job("one", 5), a_job("two", 6)])
    held = weakref.ref(jobs)
    batches = shared_batches(cache, State(jobs, 10), Selection(), alone, sends_initial=True)
    del jobs
    async with aclosing(batches):
        told = [await anext(batches), await anext(batches)]
        assert [[each.type for each in batch.deliveries] for batch in told] == [["ADDED", "ADDED"], ["BOOKMARK"]]
        assert held() is not None
        cache.change("MODIFIED", a_job("one", 11))
        assert [each.type for each in (await anext(batches)).deliveries] == ["ADDED"]
        gc.collect()
        assert held() is None
