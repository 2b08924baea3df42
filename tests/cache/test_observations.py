"""What becomes of one Job, from the shared cache and from a watch of its own: nothing missed, nothing twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress

import pytest

from service.cache import observations
from service.cache.job_cache import JobCache
from service.cache.observations import own_observations, shared_observations
from service.cache.subscriptions import Observation, Subscriptions
from service.errors import ServiceUnavailable
from service.kube.answers import Answer, Refused
from service.kube.jobs import Job
from tests.cache.jobs import a_job, bookmark, event, raw_job, status
from tests.cache.scripted import PLENTY, Script, Turn, client_of, refused, watch

ReadJob = Callable[[], Awaitable[Job | None]]


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "_LONGEST_PAUSE_SECONDS", 0.001)


def reading(*states: Job | Exception | None) -> ReadJob:
    """Return a read that brings one state after the other, and then fails."""
    coming = list(states)

    async def read() -> Job | None:
        state = coming.pop(0) if coming else ServiceUnavailable("no state is left")
        if isinstance(state, Exception):
            raise state
        return state

    return read


async def told(subscriptions: Subscriptions, name: str, version: int) -> None:
    subscriptions.tell("default", name, Observation(version, a_job(name, version)))


async def test_a_change_wakes_those_who_asked_for_its_job_and_nobody_else() -> None:
    subscriptions = Subscriptions()
    with (
        subscriptions.to("default", "one") as first,
        subscriptions.to("default", "one") as second,
        subscriptions.to("default", "two") as other,
        subscriptions.to("another", "one") as elsewhere,
    ):
        waiting = [asyncio.create_task(each.next()) for each in (first, second, other, elsewhere)]
        await asyncio.sleep(0)
        for version in (5, 6):
            await told(subscriptions, "one", version)
        assert [(await each).resource_version for each in waiting[:2]] == [5, 5]
        assert [(await each.next()).resource_version for each in (first, second)] == [6, 6]
        await asyncio.sleep(0)
        assert not any(each.done() for each in waiting[2:])
        subscriptions.tell_all(9, lambda namespace, name: a_job(name, 8, namespace=namespace))
        for each, namespace in zip(waiting[2:], ("default", "another"), strict=True):
            seen = await each
            assert (seen.resource_version, seen.job is not None and seen.job.namespace) == (9, namespace)
    assert not subscriptions._by_job


async def test_whoever_leaves_in_whatever_way_is_forgotten_and_the_rest_are_told() -> None:
    subscriptions = Subscriptions()
    with subscriptions.to("default", "one") as staying:
        with suppress(LookupError), subscriptions.to("default", "one"):
            raise LookupError
        await told(subscriptions, "one", 5)
        assert (await staying.next()).resource_version == 5
    assert not subscriptions._by_job
    await told(subscriptions, "one", 6)


def cache_with(*jobs: Job) -> JobCache:
    cache = JobCache(PLENTY, PLENTY, 60.0)
    cache.replace(jobs, max((job.resource_version for job in jobs), default=1))
    return cache


async def test_changes_between_the_subscription_and_the_read_are_neither_missed_nor_taken_twice() -> None:
    cache = cache_with(a_job("one", 5))

    async def read() -> Job:
        # The cache hears of what the read shows already, and of what it does not.
        for version in (6, 7, 8):
            cache.change("MODIFIED", a_job("one", version))
        return a_job("one", 7)

    async with aclosing(shared_observations(cache, "default", "one", read)) as states:
        seen = [await anext(states), await anext(states)]
        assert [each.resource_version for each in seen if each is not None] == [7, 8]
        cache.change("DELETED", a_job("one", 9))
        assert await anext(states) is None
        cache.change("ADDED", a_job("one", 10, uid="another"))
        again = await anext(states)
        assert again is not None
        assert again.uid == "another"
    assert not cache.subscriptions._by_job


async def test_a_list_after_missed_changes_shows_how_the_job_is_then() -> None:
    cache = cache_with(a_job("one", 5))
    async with aclosing(shared_observations(cache, "default", "one", reading(a_job("one", 5)))) as states:
        await anext(states)
        cache.replace([a_job("one", 8)], 20)
        state = await anext(states)
        assert state is not None
        assert state.resource_version == 8
        cache.replace([], 30)
        assert await anext(states) is None


async def test_a_list_that_is_older_than_the_read_shows_nothing_that_is_over() -> None:
    cache = cache_with(a_job("one", 5))
    async with aclosing(shared_observations(cache, "default", "one", reading(a_job("one", 9)))) as states:
        await anext(states)
        cache.replace([], 7)
        cache.replace([a_job("one", 9)], 9)
        cache.change("MODIFIED", a_job("one", 10))
        state = await anext(states)
        assert state is not None
        assert state.resource_version == 10


async def test_a_read_that_fails_leaves_no_subscription() -> None:
    cache = cache_with()
    async with aclosing(shared_observations(cache, "default", "one", reading())) as states:
        with pytest.raises(ServiceUnavailable):
            await anext(states)
    assert not cache.subscriptions._by_job


@asynccontextmanager
async def observed(
    read: ReadJob, *turns: Turn, silence: float = 30.0
) -> AsyncIterator[tuple[AsyncIterator[Job | None], list[dict[str, str]]]]:
    script = Script(*turns)
    async with (
        client_of(script) as (client, _),
        aclosing(own_observations(client, silence, "default", "one", read)) as states,
    ):
        yield states, script.queries


async def versions(states: AsyncIterator[Job | None]) -> list[int | None]:
    return [None if state is None else state.resource_version async for state in states]


async def versions_of(states: AsyncIterator[Job | None], count: int) -> list[int | None]:
    found: list[int | None] = []
    for _ in range(count):
        state = await anext(states)
        found.append(None if state is None else state.resource_version)
    return found


async def test_a_watch_of_its_own_begins_where_the_read_was_and_ends_with_the_job() -> None:
    lines = (event("MODIFIED", raw_job("one", 7)), bookmark(8), event("DELETED", raw_job("one", 9)))
    async with observed(reading(a_job("one", 5)), watch(*lines)) as (states, queries):
        assert await versions_of(states, 3) == [5, 7, None]
        assert queries == [
            {
                "watch": "true",
                "fieldSelector": "metadata.name=one",
                "resourceVersion": "5",
                "allowWatchBookmarks": "true",
            }
        ]


async def test_a_job_that_is_not_there_is_not_watched() -> None:
    async with observed(reading(None)) as (states, queries):
        assert await versions(states) == [None]
        assert queries == []


@pytest.mark.parametrize(
    "turn",
    [
        watch(),
        watch(event("ERROR", status(410))),
        watch(b"no JSON\n"),
        watch(event("MODIFIED", b'{"metadata":{"resourceVersion":"soon"}}')),
        watch(event("MODIFIED", b'{"metadata":{"name":"\xff"}}')),
        watch(cut=True),
        refused(410, status(410)),
        refused(503, status(503)),
        None,
    ],
)
async def test_a_watch_that_comes_to_an_end_is_followed_by_a_read_and_a_watch_from_there(turn: Turn) -> None:
    failed = Refused(Answer(500, None, b""))  # type: ignore[arg-type]  # its headers are not looked at
    read = reading(a_job("one", 5), ServiceUnavailable("for a moment"), failed, a_job("one", 20))
    last = watch(event("DELETED", raw_job("one", 21)))
    async with observed(read, turn, last) as (states, queries):
        assert await versions_of(states, 3) == [5, 20, None]
        assert [each["resourceVersion"] for each in queries] == ["5", "20"]


async def test_a_watch_of_its_own_that_is_silent_for_too_long_is_given_up() -> None:
    async with observed(reading(a_job("one", 5), None), watch(lasts=True), silence=0.1) as (states, _):
        assert await versions(states) == [5, None]


async def test_a_watch_that_is_forbidden_is_told_rather_than_asked_again_and_again() -> None:
    forbidden = refused(403, status(403, "Forbidden"))
    async with observed(reading(a_job("one", 5), a_job("one", 6)), forbidden, forbidden) as (states, queries):
        await anext(states)
        with pytest.raises(Refused) as told:
            await anext(states)
        assert told.value.answer.body == status(403, "Forbidden")
        assert len(queries) == 1
