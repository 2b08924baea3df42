"""How watches of the sandbox end, and what they bear before."""

import asyncio
import json

import aiohttp
import pytest
from yarl import URL

from service.sandbox.http.watch_events import EventWriter
from service.sandbox.server import running
from service.sandbox.store import Key, Store
from tests.callers import Caller, raw_exchange
from tests.contract.manifests import suspended
from tests.contract.paths import direct_jobs
from tests.sandbox.stored_jobs import change, create
from tests.sandbox.watching import told, watching
from tests.waiting import eventually

JOBS = direct_jobs("default")
STREAMING_LIST = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def make_noise(store: Store, changes: int) -> None:
    """Have a number of things happen that are nobody's business."""
    event = store.create("events", {"metadata": {"name": "noise", "namespace": "other"}}).decoded()
    for number in range(changes - 2):
        store.update("events", {**event, "count": number})
    store.delete(Key("events", "other", "noise"))


@pytest.mark.parametrize("query", ["resourceVersion=1", "resourceVersion=1&allowWatchBookmarks=true"])
async def test_a_past_that_is_forgotten_is_an_error_in_the_stream_that_ends(
    sandbox: Caller, store: Store, query: str
) -> None:
    make_noise(store, store.limits.changes + 1)
    async with watching(sandbox, JOBS, query, TABLE) as watch:
        oldest = store.resource_version - store.limits.changes
        assert await watch.line() == (
            b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
            b'"message":"too old resource version: 1 (%d)","reason":"Expired","code":410}}\n' % oldest
        )
        assert await watch.rest() == []


async def test_a_streaming_list_of_a_version_of_the_future_is_an_error_in_the_stream(sandbox: Caller) -> None:
    async with watching(sandbox, JOBS, f"{STREAMING_LIST}&resourceVersion=99") as watch:
        status = (await watch.event())["object"]
        assert (status["code"], status["reason"]) == (504, "Timeout")
        assert status["message"] == "Timeout: Too large resource version: 99, current: 1"
        assert await watch.rest() == []


async def test_a_quiet_watch_is_not_forgotten_because_others_are_busy(sandbox: Caller, store: Store) -> None:
    async with watching(sandbox, JOBS, "resourceVersion=1") as watch:
        for _ in range(10):
            make_noise(store, store.limits.changes // 2)
            for _ in range(5):
                await asyncio.sleep(0)  # the watch's turn
        job = create(store, "a")
        assert told(await watch.event()) == ("ADDED", "a", int(job["metadata"]["resourceVersion"]))


async def test_who_reads_too_slowly_is_told_so(sandbox: Caller, store: Store) -> None:
    job = create(store, "a")
    async with watching(sandbox, JOBS, "resourceVersion=1") as watch:
        assert told(await watch.event()) == ("ADDED", "a", 2)
        for number in range(3 * store.limits.changes):
            job = change(store, job, filling=f"{number}" + "x" * 100_000)
            await asyncio.sleep(0)
        events = await watch.rest()
    assert len(events) < store.limits.changes
    assert {event["type"] for event in events[:-1]} == {"MODIFIED"}
    assert (events[-1]["type"], events[-1]["object"]["code"]) == ("ERROR", 410)


async def test_a_watch_ends_when_its_time_is_over(sandbox: Caller, store: Store) -> None:
    create(store, "a")
    assert (await sandbox("GET", f"{JOBS}?watch=true&timeoutSeconds=1")).body.count(b"\n") == 1
    assert (await sandbox("GET", f"{JOBS}?watch=true&timeoutSeconds=-1&resourceVersion=0")).body == b""


async def test_a_caller_that_hangs_up_leaves_nothing_behind(sandbox: Caller, store: Store) -> None:
    create(store, "a")
    before = len(asyncio.all_tasks())
    for _ in range(10):
        async with watching(sandbox, JOBS) as watch:
            await watch.event()
    await eventually(lambda: len(asyncio.all_tasks()) <= before)


async def test_a_watch_ends_well_when_the_sandbox_does(http_client: aiohttp.ClientSession) -> None:
    async with running() as url:
        response = await http_client.get(URL(f"{url}{JOBS}?watch=true"))
    assert await response.read() == b""


async def test_a_bug_in_the_midst_of_a_stream_cuts_it_off(
    sandbox: Caller, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(sandbox, JOBS) as watch:
        create(store, "a")
        await watch.event()
        monkeypatch.delattr(EventWriter, "change")
        create(store, "b")
        with pytest.raises(aiohttp.ClientPayloadError):
            await watch.event()


async def test_many_watches_are_told_the_same(sandbox: Caller, store: Store) -> None:
    async def read() -> list[tuple[str, str, int]]:
        async with watching(sandbox, JOBS) as watch:
            ready.release()
            return [told(event) for event in await watch.events(20)]

    ready = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as tasks:
        readers = [tasks.create_task(read()) for _ in range(50)]
        for _ in readers:
            await ready.acquire()
        for number in range(20):
            create(store, f"job-{number:02}")
            await asyncio.sleep(0)
    assert {tuple(reader.result()) for reader in readers} == {
        tuple(("ADDED", f"job-{number:02}", number + 2) for number in range(20))
    }


async def test_a_caller_that_hangs_up_in_the_midst_of_a_create_leaves_a_whole_job_or_none(sandbox: Caller) -> None:
    for number in range(20):
        body = suspended(f"job-{number}")
        headers = f"Host: x\r\nContent-Type: application/yaml\r\nContent-Length: {len(body)}"
        head = f"POST {JOBS} HTTP/1.1\r\n{headers}\r\n\r\n"
        url = URL(sandbox.url)
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(head.encode() + body)
        for _ in range(number):
            await asyncio.sleep(0)
        writer.close()
        await writer.wait_closed()
    answer = await raw_exchange(sandbox.url, f"GET {JOBS} HTTP/1.0\r\n\r\n".encode())
    jobs = json.loads(answer.partition(b"\r\n\r\n")[2])["items"]
    assert all(job["metadata"]["uid"] and job["spec"]["selector"]["matchLabels"] for job in jobs)
