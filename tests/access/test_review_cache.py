"""What reviews have said: for how long, and to how many, it holds."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from service.access.review_cache import ReviewCache
from service.errors import ServiceUnavailable
from tests.waiting import WATCHDOG_SECONDS, eventually

LONG = 3600.0


@dataclass(slots=True)
class Reviews:
    """Reviews that end when they are let, each with its number.

    Attributes:
        begun: how many there were.
        given_up: the numbers of those that were cancelled.
    """

    begun: int = 0
    given_up: list[int] = field(default_factory=list)
    fails: bool = False
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def review(self) -> int:
        number, self.begun = self.begun, self.begun + 1
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.given_up.append(number)
            raise
        if self.fails:
            raise ServiceUnavailable("told by a test")
        return number


def remembering(seconds: float, most: int = 10) -> ReviewCache[int]:
    return ReviewCache(most, lambda _: seconds)


async def asking(cache: ReviewCache[int], reviews: Reviews, count: int) -> "list[asyncio.Task[int]]":
    """Let some ask the same; return when all of them wait."""
    tasks = [asyncio.create_task(cache.outcome("q", reviews.review)) for _ in range(count)]
    await eventually(lambda: "q" in cache._under_way and cache._under_way["q"].callers == count)
    await eventually(lambda: reviews.begun)
    return tasks


async def left(*leaving: "asyncio.Task[int]") -> None:
    for each in leaving:
        each.cancel()
        with suppress(asyncio.CancelledError):
            await each


async def test_equal_questions_share_one_review_whose_outcome_is_remembered() -> None:
    cache, reviews = remembering(LONG), Reviews()
    tasks = await asking(cache, reviews, 5)
    reviews.go_on.set()
    assert await asyncio.gather(*tasks) == [0] * 5
    assert await cache.outcome("q", reviews.review) == 0
    assert await cache.outcome("another", reviews.review) == 1
    assert reviews.begun == 2
    assert not cache._under_way


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("-inf")])
async def test_what_is_not_to_be_remembered_is_asked_each_time(seconds: float) -> None:
    cache, reviews = remembering(seconds), Reviews()
    reviews.go_on.set()
    assert [await cache.outcome("q", reviews.review) for _ in range(3)] == [0, 1, 2]


async def test_nothing_is_remembered_beyond_its_time() -> None:
    cache, reviews = remembering(0.01), Reviews()
    reviews.go_on.set()
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while await cache.outcome("q", reviews.review) < 2:
            await asyncio.sleep(0)


async def test_a_review_that_fails_fails_all_who_share_it_and_is_not_remembered() -> None:
    cache, reviews = remembering(LONG), Reviews(fails=True)
    tasks = await asking(cache, reviews, 3)
    reviews.go_on.set()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, ServiceUnavailable)
    assert not cache._under_way
    reviews.fails = False
    assert await cache.outcome("q", reviews.review) == 1


async def test_who_leaves_does_not_end_the_review_of_those_who_stay() -> None:
    cache, reviews = remembering(LONG), Reviews()
    first, second, third = await asking(cache, reviews, 3)
    await left(first, second)
    reviews.go_on.set()
    assert await third == 0
    assert not reviews.given_up


async def test_the_last_who_leaves_ends_the_review_and_who_comes_then_asks_anew() -> None:
    cache, reviews = remembering(LONG), Reviews()
    tasks = await asking(cache, reviews, 3)
    for each in tasks:
        each.cancel()
    # The one who comes now, before the review has let go, does not get what was given up.
    while cache._under_way:
        await asyncio.sleep(0)
    assert not reviews.given_up
    reviews.go_on.set()
    assert await cache.outcome("q", reviews.review) == 1
    await left(*tasks)
    assert reviews.given_up == [0]
    assert not cache._under_way


async def test_as_many_are_remembered_as_may_be_and_the_one_not_asked_for_longest_goes() -> None:
    cache, reviews = remembering(LONG, most=2), Reviews()
    reviews.go_on.set()
    for question in ("a", "b", "a", "c"):
        await cache.outcome(question, reviews.review)
    assert reviews.begun == 3
    assert await cache.outcome("a", reviews.review) == 0
    assert await cache.outcome("b", reviews.review) == 3
    assert len(cache._outcomes) == 2
