"""The end of the service: every stream ends in a way that can be gone on from, at another replica."""

import asyncio
import signal
from contextlib import AsyncExitStack

import aiohttp
import pytest

from service.api import keys
from service.server import running
from service.setting_values import Address
from service.settings import default_settings
from tests.callers import Answer, Caller, assert_is_status
from tests.cluster.control_plane import ControlPlane
from tests.contract.conftest import Backend
from tests.contract.paths import job, jobs
from tests.faults.followers import STYLES, Follower
from tests.faults.footprint import open_callers
from tests.faults.history import History, Selected
from tests.faults.slow_reader import SlowReader
from tests.faults.workload import changing, create_job
from tests.processes import RunService
from tests.waiting import eventually

pytestmark = pytest.mark.cluster


@pytest.fixture
def backend(fragile_control_plane: ControlPlane) -> Backend:
    plane = fragile_control_plane
    return Backend(plane.server, plane.ca_file, plane.admin_token)


@pytest.fixture
def real_backend(backend: Backend) -> Backend:
    return backend


async def test_sigterm_ends_streams_cleanly_and_another_replica_goes_on_with_them(
    fragile_control_plane: ControlPlane,
    http_client: aiohttp.ClientSession,
    run: RunService,
    direct: Caller,
    namespace: str,
) -> None:
    kubeconfig = f"--kubeconfig={fragile_control_plane.kubeconfig}"
    selections = (
        Selected(namespace, "", lambda color: True),
        Selected(None, "color=red", lambda color: color == "red"),
    )
    await create_job(direct, namespace, "waited-for")
    async with (
        History(http_client, fragile_control_plane.etcd_url) as history,
        run(kubeconfig, "--shutdown-grace-seconds=0") as service,
        run(kubeconfig) as other,
        AsyncExitStack() as stack,
    ):
        url, other_url = await service.url(), await other.url()
        followers = [Follower(http_client, url, selected, style) for style in STYLES for selected in selections]
        for follower in followers:
            await stack.enter_async_context(follower.following())
        waits = await begin_waits(Caller(http_client, url, {}), namespace)
        await eventually(lambda: open_callers(service, url) >= len(followers) + len(waits))
        async with changing(direct, [namespace], seed=1):
            await eventually(lambda: all(each.streams and each.streams[0].changes for each in followers))
            for follower in followers:
                follower.url = other_url
            service.signal(signal.SIGTERM)
            assert await service.code() == 0
            await eventually(lambda: all(each.streams[-1].changes for each in followers if len(each.streams) > 1))
        for wait in waits:
            assert_is_status(await wait, 503, "ServiceUnavailable")
        latest = await create_job(direct, namespace, "the-last-one")
        await eventually(lambda: all((each.streams[-1].place or 0) >= latest for each in followers))
        await history.reaches(latest)
    for follower in followers:
        follower.assert_saw_the_truth(history, "across replicas")
        # Another stream begins at a place: had it begun afresh, nothing were shown.
        assert [each.end for each in follower.streams] == ["end", "open"], follower
        assert follower.streams[1].began == follower.streams[0].place
    left = [line for line in service.written if not line.startswith("{")]
    assert not left, f"Python warns of what was left open: {''.join(left)}"
    assert not service.events("a bug")


async def begin_waits(api: Caller, namespace: str) -> list[asyncio.Task[Answer]]:
    path = f"{job(namespace, 'waited-for')}/wait?timeoutSeconds=60&for="
    return [asyncio.create_task(api("GET", path + goal)) for goal in ("finished", "delete")]


async def test_the_last_event_is_a_bookmark_where_more_is_known_than_the_events_have_told(
    fragile_control_plane: ControlPlane, direct: Caller, namespace: str
) -> None:
    nothing = f"{jobs(namespace)}?watch=true&allowWatchBookmarks=true&labelSelector=color=none"
    kubeconfig = str(fragile_control_plane.kubeconfig)
    settings = default_settings(listen=Address("127.0.0.1", 0), kubeconfig=kubeconfig)
    async with AsyncExitStack() as stack:
        async with running(settings) as (app, url):
            window = app[keys.LIVE_JOBS].scope_of(None).cache.window
            reader = await stack.enter_async_context(SlowReader(url, nothing))
            while b"initial-events-end" not in reader.received:
                await reader.read_some()
            latest = await create_job(direct, namespace, "one")
            await eventually(lambda: window.latest >= latest)
            # As happens every some seconds; once would not do where a change wakes the stream at the same time.
            for _ in range(20):
                window.wake()
                await asyncio.sleep(0.01)
        stream = await reader.read_to_the_end()
    assert reader.is_whole
    assert (stream.place or 0) >= latest, "one who goes on from its last place would be told what is known already"
