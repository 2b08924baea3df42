"""How watches that are told together end: each by itself, or all at once, and always so that it can be seen."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from service.api import keys
from service.api.watch_writer import WatchWriter
from service.cache.batches import SharedFeed
from service.server import running
from service.setting_values import Address
from service.settings import default_settings
from tests.cache.audience import (
    BEGIN,
    TEAM,
    attended,
    attending,
    cache_of,
    change,
    quiet_upstream,
    raw_watch,
    started,
)
from tests.cache.conftest import Front, StartFront
from tests.callers import Caller
from tests.contract.paths import jobs
from tests.faults.slow_reader import SlowReader
from tests.upstream import Received, Upstream, json_answer
from tests.waiting import eventually

_FILLING = 10_000


async def test_when_nothing_is_heard_for_long_all_streams_end(front: StartFront) -> None:
    service = await started(front)
    async with AsyncExitStack() as stack:
        watches = [await stack.enter_async_context(raw_watch(service)) for _ in range(3)]
        await attended(service, 3)
        change(service, 11)
        for each in watches:
            await each.until(b"job-11")
        cache_of(service)._stale_seconds = -1.0
        cache_of(service).window.wake()
        for each in watches:
            assert (await each.to_the_end()).count(b"\n") == 1
    assert attending(service) == []


async def test_when_the_window_begins_anew_all_are_told_410_and_who_comes_then_is_not(front: StartFront) -> None:
    service = await started(front)
    async with AsyncExitStack() as stack:
        watches = [await stack.enter_async_context(raw_watch(service)) for _ in range(3)]
        events = await stack.enter_async_context(raw_watch(service, accept="text/event-stream"))
        await attended(service, 1, 3)
        cache_of(service).replace([], 20)
        for each in watches:
            (line,) = (await each.to_the_end()).splitlines()
            error = msgspec.json.decode(line)
            assert (error["type"], error["object"]["code"], error["object"]["reason"]) == ("ERROR", 410, "Expired")
        assert (await events.to_the_end()).startswith(b"event: ERROR\nid:\nretry: ")
        late = await stack.enter_async_context(raw_watch(service, since=20))
        await attended(service, 1)
        change(service, 21)
        await late.until(b"job-21")


async def test_one_who_reads_nothing_is_cut_and_those_who_read_are_told_everything(
    front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers: list[WatchWriter] = []
    attend = WatchWriter.attend

    async def recorded(self: WatchWriter, feed: SharedFeed) -> None:
        writers.append(self)
        await attend(self, feed)

    monkeypatch.setattr(WatchWriter, "attend", recorded)
    service = await started(front, watch_silence_seconds=1.0)
    path = f"{jobs(TEAM)}?watch=true&allowWatchBookmarks=true"
    async with AsyncExitStack() as stack:
        slow = await stack.enter_async_context(SlowReader(service.api.url, path, BEGIN))
        await attended(service, 1)
        (writer,) = writers
        readers = [await stack.enter_async_context(raw_watch(service)) for _ in range(10)]
        await attended(service, 1, 10)
        version, most = BEGIN, 0
        while (transport := writer._request.transport) is not None:
            version += 1
            change(service, version, filling=_FILLING)
            for each in readers:
                await each.until(b'"resourceVersion":"%d"' % version)
            most = max(most, transport.get_write_buffer_size())
        assert most < 4 * 64 * 1024
        await slow.read_to_the_end()
        assert not slow.is_whole, "what was cut looks like it"
        await attended(service, 10)
        service.app[keys.STREAMS].end()
        for each in readers:
            lines = [msgspec.json.decode(line) for line in (await each.to_the_end()).splitlines()]
            told = [int(line["object"]["metadata"]["resourceVersion"]) for line in lines]
            assert told == list(range(BEGIN + 1, version + 1))


async def test_who_hangs_up_leaves_and_the_others_stay(front: StartFront) -> None:
    service = await started(front)
    async with AsyncExitStack() as stack:
        staying = await stack.enter_async_context(raw_watch(service))
        async with raw_watch(service):
            await attended(service, 2)
        await attended(service, 1)
        change(service, 11)
        await staying.until(b"job-11")
    await attended(service)


async def test_the_end_of_the_service_ends_all_cleanly(tmp_path: Path, http_client: aiohttp.ClientSession) -> None:
    async with Upstream(quiet_upstream) as upstream, AsyncExitStack() as stack:
        kubeconfig = upstream.kubeconfig(tmp_path)
        settings = default_settings(listen=Address("127.0.0.1", 0), kubeconfig=kubeconfig)
        async with running(settings) as (app, url):
            service = Front(Caller(http_client, url, {}), upstream, app)
            await eventually(lambda: cache_of(service).synced)
            kinds = [(version, accept) for version in ("1.0", "1.1") for accept in ("*/*", "text/event-stream")]
            watches = [
                await stack.enter_async_context(raw_watch(service, version=version, accept=accept))
                for version, accept in kinds
                for _ in range(3)
            ]
            await attended(service, 3, 3, 3, 3)
            change(service, 11)
            for each in watches:
                await each.until(b"job-11")
        for each in watches:
            assert (await each.to_the_end()).count(b"job-11") == 1
        assert attending(service) == []


async def test_a_member_who_may_not_go_on_is_told_so_and_the_others_go_on(front: StartFront) -> None:
    refused: set[str] = set()

    async def answer(request: Received) -> bytes | AsyncIterator[bytes]:
        if request.target.endswith("/tokenreviews"):
            user = {"username": msgspec.json.decode(request.body)["spec"]["token"]}
            return json_answer(201, msgspec.json.encode({"status": {"authenticated": True, "user": user}}))
        if request.target.endswith("/subjectaccessreviews"):
            allowed = msgspec.json.decode(request.body)["spec"]["user"] not in refused
            return json_answer(201, msgspec.json.encode({"status": {"allowed": allowed}}))
        return await quiet_upstream(request)

    hasty: dict[str, Any] = {
        "identity_cache_seconds": 0.1,
        "allowed_cache_seconds": 0.1,
        "stream_review_seconds": 0.1,
    }
    service = await front(answer, cache=True, auth_mode="delegated", **hasty)
    await eventually(lambda: cache_of(service).synced)
    async with AsyncExitStack() as stack:
        ann, bob, eve = [
            await stack.enter_async_context(raw_watch(service, headers=f"Authorization: Bearer {name}\r\n"))
            for name in ("ann", "bob", "eve")
        ]
        await attended(service, 3)
        change(service, 11)
        await eve.until(b"job-11")
        refused.add("eve")
        first, last = (await eve.to_the_end()).splitlines()
        assert b"job-11" in first
        error = msgspec.json.decode(last)
        assert (error["type"], error["object"]["code"], error["object"]["reason"]) == ("ERROR", 403, "Forbidden")
        await attended(service, 2)
        change(service, 12)
        for each in (ann, bob):
            await each.until(b"job-12")
        service.app[keys.STREAMS].end()
        for each in (ann, bob):
            assert (await each.to_the_end()).count(b"\n") == 2
