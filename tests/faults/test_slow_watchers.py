"""Watchers that read slowly, or not at all: they cost the service nothing, and the others nothing either."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import aiohttp
import pytest

from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.conftest import Figure
from tests.contract.conftest import Backend
from tests.contract.paths import jobs
from tests.faults.followers import SERVER_SENT, WITH_BOOKMARKS, Follower
from tests.faults.footprint import open_callers, resident_bytes
from tests.faults.history import History, Selected
from tests.faults.slow_reader import SlowReader
from tests.faults.workload import create_job, patch_job
from tests.processes import RunService
from tests.waiting import eventually

pytestmark = pytest.mark.cluster

_PADDING = 10_000
_JOBS = 20
_WRITERS = 8
_WINDOW = 200
_MEBIBYTE = 1024 * 1024


@pytest.fixture
def backend(fragile_control_plane: ControlPlane) -> Backend:
    plane = fragile_control_plane
    return Backend(plane.server, plane.ca_file, plane.admin_token)


@pytest.fixture
def real_backend(backend: Backend) -> Backend:
    return backend


def all_of(namespace: str) -> Selected:
    return Selected(namespace, "", lambda color: True)


def watch_of(namespace: str) -> str:
    return f"{jobs(namespace)}?watch=true&allowWatchBookmarks=true"


async def change_padded_jobs(direct: Caller, namespace: str, count: int) -> int:
    """Make that many changes to Jobs of 10 kB, and return the last one's resourceVersion."""
    names, turns = itertools.cycle(f"padded-{number}" for number in range(_JOBS)), iter(range(count))

    async def write() -> int:
        latest = 0
        for _ in turns:
            # An annotation that stays as it is would be no change.
            change = {"metadata": {"annotations": {"turn": uuid4().hex}}}
            latest = await patch_job(direct, namespace, next(names), change)
        return latest

    return max(await asyncio.gather(*(write() for _ in range(_WRITERS))))


@pytest.fixture
async def padded(direct: Caller, namespace: str) -> str:
    for number in range(_JOBS):
        await create_job(direct, namespace, f"padded-{number}", padding=_PADDING)
    return namespace


@asynccontextmanager
async def slow_readers(url: str, count: int, path: str) -> AsyncIterator[list[SlowReader]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(SlowReader(url, path)) for _ in range(count)]


async def test_watchers_that_stop_reading_cost_no_memory_and_hold_nobody_up(
    fragile_control_plane: ControlPlane,
    http_client: aiohttp.ClientSession,
    run: RunService,
    direct: Caller,
    padded: str,
    figure: Figure,
) -> None:
    everything, path = all_of(padded), watch_of(padded)
    slow_count, changes = 30, 600
    kubeconfig = f"--kubeconfig={fragile_control_plane.kubeconfig}"
    async with (
        History(http_client, fragile_control_plane.etcd_url) as history,
        run(kubeconfig, f"--watch-window-changes={_WINDOW}") as service,
        Follower(http_client, await service.url(), everything, WITH_BOOKMARKS).following() as lines,
        Follower(http_client, await service.url(), everything, SERVER_SENT).following() as events,
        slow_readers(await service.url(), slow_count, path) as slow,
    ):
        await eventually(lambda: lines.streams and events.streams)
        await change_padded_jobs(direct, padded, 2 * _WINDOW)  # so that every buffer is full
        before = resident_bytes(service)
        latest = await change_padded_jobs(direct, padded, changes)
        await eventually(lambda: lines.streams[-1].place == events.streams[-1].place == latest)
        grown = resident_bytes(service) - before
        undelivered = slow_count * changes * _PADDING
        await history.reaches(latest)
        for follower in (lines, events):
            follower.assert_saw_the_truth(history, "meanwhile")
            assert len(follower.streams) == 1
        for reader in slow:
            stream = await reader.read_to_the_end()
            assert reader.is_whole, "an end on purpose has a last chunk"
            assert stream.end == "410"
            assert stream.changes == history.seen(everything, stream.began or 0, stream.place or 0)
    figure(
        f"{slow_count} watchers that read nothing: the service grew by {grown / _MEBIBYTE:.1f} MiB while it had "
        f"{undelivered / _MEBIBYTE:.0f} MiB more for them"
    )
    assert grown < undelivered / 20


async def test_a_watcher_that_pauses_within_the_window_goes_on_where_it_was(
    fragile_control_plane: ControlPlane,
    http_client: aiohttp.ClientSession,
    run: RunService,
    direct: Caller,
    padded: str,
) -> None:
    everything, path = all_of(padded), watch_of(padded)
    async with (
        History(http_client, fragile_control_plane.etcd_url) as history,
        run(f"--kubeconfig={fragile_control_plane.kubeconfig}", f"--watch-window-changes={_WINDOW}") as service,
        SlowReader(await service.url(), path) as reader,
    ):
        # What the pause leaves in the sockets is less than the window holds besides.
        for _ in range(3):
            latest = await change_padded_jobs(direct, padded, _WINDOW // 2)
            stream = await reader.read_until(latest)
            await history.reaches(latest)
            assert stream.end == "open"
            assert stream.changes == history.seen(everything, stream.began or 0, latest)


async def test_a_watcher_that_reads_nothing_for_too_long_is_cut_and_another_goes_on_at_its_place(
    fragile_control_plane: ControlPlane,
    http_client: aiohttp.ClientSession,
    run: RunService,
    direct: Caller,
    padded: str,
) -> None:
    everything, path = all_of(padded), watch_of(padded)
    kubeconfig = f"--kubeconfig={fragile_control_plane.kubeconfig}"
    async with (
        History(http_client, fragile_control_plane.etcd_url) as history,
        run(kubeconfig, "--watch-silence-seconds=1") as service,
        slow_readers(url := await service.url(), 5, path) as slow,
    ):
        await eventually(lambda: open_callers(service, url) == 5)
        # The state that each begins with is more than its connection holds; what is cut is to have told a place.
        await asyncio.gather(*(reader.read_until_told(b'"type":"BOOKMARK"') for reader in slow))
        while open_callers(service, url):
            latest = await change_padded_jobs(direct, padded, _WRITERS)
        for reader in slow:
            stream = await reader.read_to_the_end()
            assert not reader.is_whole, "what was cut looks like it"
            assert stream.end == "open"
            assert stream.place is not None
            await history.reaches(latest)
            assert stream.changes == history.seen(everything, stream.began or 0, stream.place)
            async with SlowReader(url, path, stream.place) as another:
                rest = await another.read_until(latest)
                assert rest.changes == history.seen(everything, stream.place, latest)


async def test_what_three_hundred_watchers_took_is_free_when_they_hang_up_at_once(
    fragile_control_plane: ControlPlane, run: RunService, direct: Caller, padded: str, figure: Figure
) -> None:
    path = watch_of(padded)
    async with run(f"--kubeconfig={fragile_control_plane.kubeconfig}") as service:
        url = await service.url()
        idle, during, after = resident_bytes(service), 0, 0
        for number in range(4):
            async with slow_readers(url, 300, path) as slow:
                for reader in slow:
                    while not reader.received.count(b"padded-"):
                        await reader.read_some()
                assert open_callers(service, url) == 300
                await change_padded_jobs(direct, padded, _WRITERS)
                if number == 0:
                    during = resident_bytes(service)
            await eventually(lambda: not open_callers(service, url))
            if number == 0:
                after = resident_bytes(service)
        taken = during - idle
        # Were nothing freed, it would be three times as much; what is freed is so a moment after the sockets.
        await eventually(lambda: resident_bytes(service) - after < 1.5 * taken)
        grown = resident_bytes(service) - after
        figure(
            f"300 watchers: {taken / _MEBIBYTE:.1f} MiB; {grown / _MEBIBYTE:.1f} MiB more after the "
            "fourth 300 than after the first"
        )
        service.signal(signal.SIGINT)
        assert await service.code() == 0
        assert not service.events("a bug")
