"""The cache as a whole: what it takes over, and what it says of itself."""

import pytest

from service.cache.job_cache import JobCache
from service.cache.shared_lists import SharedLists
from service.cache.watch_window import Cursor
from service.kube.answers import Refused
from service.resources import JOBS
from tests.cache.conftest import StartFront
from tests.cache.jobs import a_job, raw_job, status
from tests.cache.scripted import PLENTY, Script, Turn, client_of, refused
from tests.contract.paths import job, jobs
from tests.upstream import Received, json_answer


async def test_a_cache_knows_the_moment_of_its_list_and_what_comes_after() -> None:
    cache = JobCache(PLENTY, PLENTY, 60.0)
    assert not cache.synced
    cache.replace([a_job("one", 5)], 10)
    assert (cache.synced, cache.settled.is_set(), cache.window.latest) == (True, True, 10)
    cache.change("ADDED", a_job("two", 12))
    cache.progress(15)
    cache.progress(13)
    assert cache.window.latest == 15
    # What is known already is not taken for news, whatever it says.
    cache.change("DELETED", a_job("two", 12))
    cache.change("MODIFIED", a_job("one", 5))
    assert len(cache.store) == 2
    assert [each.resource_version for each in await Cursor(cache.window, 10).next()] == [12]


async def test_a_cache_says_what_keeps_it_from_hearing_until_it_hears() -> None:
    cache = JobCache(PLENTY, PLENTY, 60.0)
    cache.fail("the watch broke off")
    assert cache.settled.is_set()
    assert (cache.synced, cache.failure) == (False, "the watch broke off")
    cache.hear()
    assert cache.failure is None
    assert not cache.is_stale
    assert JobCache(PLENTY, PLENTY, -1.0).is_stale


def page(version: int, *items: bytes, token: str = "") -> Turn:
    metadata = b'"resourceVersion":"%d","continue":"%s"' % (version, token.encode())
    return json_answer(200, b'{"metadata":{%s},"items":[%s]}' % (metadata, b",".join(items)))


async def test_a_shared_list_holds_what_the_cache_holds_already_once() -> None:
    cache = JobCache(PLENTY, PLENTY, 60.0)
    known = a_job("one", 5)
    cache.replace([known], 5)
    turns = page(9, raw_job("one", 5, as_item=True), token="more"), page(9, raw_job("two", 6, as_item=True))
    async with client_of(Script(*turns)) as (client, _):
        state = await SharedLists(client, cache).read(JOBS.path(), {"labelSelector": "a"})
    assert state.resource_version == 9
    assert [each.name for each in state.jobs] == ["one", "two"]
    assert state.jobs[0] is known


async def test_a_shared_list_whose_later_page_comes_too_late_begins_anew_but_not_for_ever() -> None:
    first, late = page(9, raw_job("one", 5, as_item=True), token="more"), refused(410, status(410))
    for turns, attempts in ((3 * [first, late], 6), ([first, late, page(20)], 3)):
        script = Script(*turns)
        async with client_of(script) as (client, _):
            reading = SharedLists(client, JobCache(PLENTY, PLENTY, 60.0)).read(JOBS.path(), {})
            if attempts == 6:
                with pytest.raises(Refused):
                    await reading
            else:
                assert (await reading).resource_version == 20
        assert len(script.queries) == attempts


async def forbidding(request: Received) -> bytes:
    """Answer as an apiserver that lets us read the Jobs of a namespace, and nothing else."""
    if request.target.startswith("/apis/batch/v1/jobs"):
        return json_answer(403, status(403, "Forbidden"))
    return json_answer(200, b'{"kind":"Job"}' if request.target != "/readyz" else b"ok")


async def test_a_cache_that_may_not_sync_lets_everything_through_and_says_why(front: StartFront) -> None:
    service = await front(forbidding, cache=True)
    await service.live.scope_of(None).cache.settled.wait()
    for path in (job("default", "one"), jobs("default")):
        answer = await service.api("GET", f"{path}?resourceVersion=0")
        assert (answer.status, answer.headers["Cache-Status"]) == (200, "job-api; fwd=miss")
        assert "Cache-Status" not in (await service.api("GET", path)).headers
    assert (await service.api("GET", "/readyz")).body == b"ok"
    told = (await service.api("GET", "/readyz?verbose")).body.decode()
    assert "cache: not synced, so everything goes upstream: the apiserver answers 403" in told
