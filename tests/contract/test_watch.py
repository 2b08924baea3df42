"""Section 5 of the contract: where a watch begins, what it tells, how it ends. With the cache and without it."""

import asyncio
import re
from pathlib import Path

import aiohttp
import pytest

from tests.callers import Caller
from tests.contract.conftest import Backend
from tests.contract.job_changes import create, delete
from tests.contract.paths import direct_jobs, jobs
from tests.contract.served import Served, serving
from tests.contract.watching import ALL_JOBS, NOTHING_INITIAL, STREAMING_LIST, Event, present, selecting, watching

REFUSED = [
    "sendInitialEvents=true",
    "sendInitialEvents=false",
    "sendInitialEvents=true&resourceVersionMatch=Exact",
    "sendInitialEvents=0&resourceVersionMatch=Exact&resourceVersion=5",
    "resourceVersionMatch=NotOlderThan",
    "resourceVersionMatch=NotOlderThan&resourceVersion=0",
    "resourceVersionMatch=Exact&resourceVersion=5",
    "continue=abc",
    f"{STREAMING_LIST}&continue=abc",
    "resourceVersionMatch=NotOlderThan&continue=abc",
]


@pytest.fixture
def api(served: Served) -> Caller:
    return served.api


def is_bookmark(event: Event) -> bool:
    return event.type == "BOOKMARK"


async def test_without_a_version_it_begins_with_what_there_is_in_key_order(
    api: Caller, direct: Caller, namespace: str
) -> None:
    last = await create(direct, namespace, "b", "a", "a-b")
    async with watching(api, jobs(namespace)) as watch:
        initial = await watch.take(3)
        assert [event.told for event in initial] == [("ADDED", "a"), ("ADDED", "a-b"), ("ADDED", "b")]
        later = await create(direct, namespace, "c", "a0")
        await delete(direct, namespace, "b")
        changes = await watch.take(3)
    assert [event.told for event in changes] == [("ADDED", "c"), ("ADDED", "a0"), ("DELETED", "b")]
    assert last < changes[0].resource_version < changes[1].resource_version == later
    assert changes[2].resource_version > later


async def test_the_objects_are_the_bytes_of_the_apiserver(api: Caller, direct: Caller, namespace: str) -> None:
    since = await present(api, namespace)
    await create(direct, namespace, "b", "a", labels='{text: "x"}')
    for query in ("", f"resourceVersion={since}", STREAMING_LIST):
        async with (
            watching(api, jobs(namespace), query) as ours,
            watching(direct, direct_jobs(namespace), query) as theirs,
        ):
            assert await ours.take(2) == await theirs.take(2), query


async def test_what_happens_while_it_begins_is_told_and_told_once(
    api: Caller, direct: Caller, namespace: str
) -> None:
    names = [f"job-{number:02}" for number in range(12)]

    async def watched(query: str) -> list[Event]:
        async with watching(api, jobs(namespace), query) as watch:
            return await watch.events_until(lambda event: event.name == "last")

    async with asyncio.TaskGroup() as tasks:
        creating = tasks.create_task(create(direct, namespace, *names))
        watches = []
        for query in ("", "resourceVersion=0", "resourceVersion=", STREAMING_LIST) * 2:
            watches.append(tasks.create_task(watched(query)))
            await asyncio.sleep(0)
        await creating
        await create(direct, namespace, "last")
    for watch in watches:
        told = sorted(event.told for event in watch.result())
        assert told == [("ADDED", name) for name in (*names, "last")]


async def test_from_a_version_it_tells_what_came_after_in_the_order_of_time(
    api: Caller, direct: Caller, namespace: str
) -> None:
    await create(direct, namespace, "old")
    since = await present(api, namespace)
    first = await create(direct, namespace, "b", "a")
    await delete(direct, namespace, "b")
    for query in ("", f"{NOTHING_INITIAL}&"):
        async with watching(api, jobs(namespace), f"{query}resourceVersion={since}&allowWatchBookmarks=1") as watch:
            told = [(await watch.change()).told for _ in range(3)]
        assert told == [("ADDED", "b"), ("ADDED", "a"), ("DELETED", "b")]
    async with watching(api, jobs(namespace), f"resourceVersion={first}") as watch:
        assert (await watch.next()).told == ("DELETED", "b")


async def test_from_a_version_yet_to_come_it_leaves_out_what_comes_before(
    api: Caller, direct: Caller, namespace: str
) -> None:
    future = await present(api, namespace) + 6
    async with watching(api, jobs(namespace), f"resourceVersion={future}") as watch:
        versions: list[int] = []
        while not versions or versions[-1] <= future + 1:
            versions.append(await create(direct, namespace, f"job-{len(versions)}"))
        expected = [version for version in versions if version > future]
        assert [event.resource_version for event in await watch.take(len(expected))] == expected


async def test_from_before_the_window_it_is_one_error_410(
    backend: Backend, direct: Caller, namespace: str, tmp_path: Path, http_client: aiohttp.ClientSession
) -> None:
    # Only with the cache: a young apiserver remembers everything, so that no version is too old for it.
    await create(direct, namespace, "a", "b")
    async with serving(backend, tmp_path, http_client, cache=True) as served:
        start = await present(served.api, namespace)
        for query in ("", f"&{NOTHING_INITIAL}", "&allowWatchBookmarks=true"):
            async with watching(served.api, jobs(namespace), f"resourceVersion=1{query}") as watch:
                error = await watch.next()
                assert await watch.has_ended()
            assert error.type == "ERROR"
            assert re.fullmatch(
                rb'\{"kind":"Status","apiVersion":"v1","metadata":\{\},"status":"Failure",'
                rb'"message":"too old resource version: 1 \(\d+\)","reason":"Expired","code":410\}',
                error.object,
            )
            assert int(error.json["message"].split("(")[1][:-1]) <= start
        async with watching(served.api, jobs(namespace), f"resourceVersion=1&{STREAMING_LIST}") as watch:
            assert [event.told for event in await watch.take(2)] == [("ADDED", "a"), ("ADDED", "b")]


async def test_the_end_of_the_initial_events_is_told_to_those_who_want_bookmarks(
    api: Caller, direct: Caller, namespace: str
) -> None:
    last = await create(direct, namespace, "b", "a")
    at_least = await present(api, namespace)
    number = rb'"\d+"'
    for since, oldest in (("", at_least), ("=", 1), ("=0", 1), ("=1", 1), (f"={last}", last)):
        asked = STREAMING_LIST + (f"&resourceVersion{since}" if since else "") + "&allowWatchBookmarks="
        async with (
            watching(api, jobs(namespace), asked + "true") as ours,
            watching(direct, direct_jobs(namespace), asked + "true") as theirs,
        ):
            *initial, mark = await ours.events_until(is_bookmark)
            *expected, expected_mark = await theirs.events_until(is_bookmark)
        assert initial == expected, since
        assert [event.name for event in initial] == ["a", "b"]
        assert mark.resource_version >= oldest
        assert re.sub(number, b"", mark.object) == re.sub(number, b"", expected_mark.object)
    async with watching(api, jobs(namespace), asked + "false") as without:
        assert await without.take(2) == initial
        await create(direct, namespace, "c")
        assert (await without.next()).told == ("ADDED", "c")


async def test_without_initial_events_it_begins_now(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "old")
    await present(api, namespace)
    for number, since in enumerate(("", "&resourceVersion=", "&resourceVersion=0")):
        async with watching(api, jobs(namespace), NOTHING_INITIAL + since) as watch:
            await create(direct, namespace, f"new-{number}")
            assert (await watch.next()).told == ("ADDED", f"new-{number}")


async def test_bookmarks_also_end_the_initial_events_of_a_plain_watch(api: Caller, namespace: str) -> None:
    for query in ("", "resourceVersion=0&"):
        async with watching(api, jobs(namespace), f"{query}allowWatchBookmarks=true") as watch:
            mark = await watch.next()
        assert mark.json["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_what_the_apiserver_refuses_is_refused_in_its_words(
    api: Caller, direct: Caller, namespace: str
) -> None:
    for query in REFUSED:
        ours = await api("GET", f"{jobs(namespace)}?watch=true&{query}")
        theirs = await direct("GET", f"{direct_jobs(namespace)}?watch=true&{query}")
        assert (ours.status, ours.body) == (theirs.status, theirs.body), query
        assert ours.status == 422
        assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]


async def test_a_limit_is_ignored(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "a", "b")
    await present(api, namespace)
    for query in ("limit=1", f"limit=1&{STREAMING_LIST}", "limit=1&resourceVersion=0"):
        async with watching(api, jobs(namespace), query) as watch:
            assert [event.name for event in await watch.take(2)] == ["a", "b"]


async def test_all_namespaces_are_watched_at_once(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "a")
    async with (
        watching(api, ALL_JOBS, selecting(fields=f"metadata.namespace={namespace}")) as selected,
        watching(api, ALL_JOBS) as everything,
    ):
        assert (await selected.next()).told == ("ADDED", "a")
        version = await create(direct, namespace, "b")
        assert (await selected.next()).told == ("ADDED", "b")
        seen = await everything.events_until(lambda event: event.resource_version == version)
    in_namespace = [event for event in seen if event.json["metadata"]["namespace"] == namespace]
    assert [event.name for event in in_namespace] == ["a", "b"]
