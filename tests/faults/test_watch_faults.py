"""What a network and an apiserver do to watches: followers of the service never miss a change, whatever it is."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.conftest import Figure
from tests.contract.conftest import Backend
from tests.faults.followers import STYLES, Follower, by_key
from tests.faults.history import History, Selected
from tests.faults.proxy import Fault, FaultProxy
from tests.faults.workload import changing
from tests.waiting import WATCHDOG_SECONDS, eventually

pytestmark = pytest.mark.cluster

_ALL = "/api/v1/_raw/job"
_DIRECT_ALL = "/apis/batch/v1/jobs"
# As many changes as an outage lasts: the apiserver that comes back has forgotten them.
_MISSED_CHANGES = 30


@pytest.fixture
def backend(fragile_control_plane: ControlPlane) -> Backend:
    plane = fragile_control_plane
    return Backend(plane.server, plane.ca_file, plane.admin_token)


@pytest.fixture
async def namespaces(direct: Caller) -> list[str]:
    names = [f"{name}-{uuid4().hex[:8]}" for name in ("one", "two", "two-a")]
    for name in names:
        manifest = b'{"metadata":{"name":"%s"}}' % name.encode()
        created = await direct("POST", "/api/v1/namespaces", manifest, {"Content-Type": "application/json"})
        assert created.status == 201
    return names


def followers_of(hasty_api: Caller, namespaces: Sequence[str], seed: int) -> list[Follower]:
    everything = Selected(None, "", lambda color: True)
    some = (
        Selected(None, "color=red", lambda color: color == "red"),
        Selected(namespaces[1], "", lambda color: True),
        Selected(namespaces[0], "color notin (red)", lambda color: color != "red"),
    )
    pairs = [(style, everything) for style in STYLES]
    pairs += [(style, some[number % len(some)]) for number, style in enumerate(STYLES)]
    pairs += [(style, some[(number + 1) % len(some)]) for number, style in enumerate(STYLES)]
    return [
        Follower(hasty_api.session, hasty_api.url, selected, style, (seed, number))
        for number, (style, selected) in enumerate(pairs)
    ]


@asynccontextmanager
async def following(followers: Sequence[Follower]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for follower in followers:
            await stack.enter_async_context(follower.following())
        await eventually(lambda: all(each.streams for each in followers))
        yield


def faults(chance: random.Random) -> list[Fault]:
    """Return each kind of fault, in any order."""
    found = [
        Fault(cut_after=0),
        Fault(reset_after=0),
        Fault(stall_after=chance.randrange(5_000)),
        Fault(cut_after=chance.randrange(1, 2_000)),
        Fault(reset_after=chance.randrange(2_000, 20_000)),
        Fault(slice_bytes=chance.randrange(1, 500), delay=0.001),
        Fault(delay=0.1),
    ]
    chance.shuffle(found)
    return found


async def strike_with_each(proxy: FaultProxy, chance: random.Random) -> None:
    for fault in faults(chance):
        proxy.fault = fault
        await asyncio.sleep(chance.uniform(0.2, 0.8))
        proxy.fault = Fault()
        await asyncio.sleep(chance.uniform(0.1, 0.4))


async def forget_while_cut_off(proxy: FaultProxy, plane: ControlPlane, history: History) -> None:
    """Let the service come back to an apiserver that knows nothing of what it missed: its place is too old."""
    proxy.fault = Fault(cut_after=0)
    before = len(history.changes)
    await eventually(lambda: len(history.changes) > before + _MISSED_CHANGES)
    await asyncio.to_thread(plane.compact_etcd)
    await asyncio.to_thread(plane.stop_component, "kube-apiserver")
    await asyncio.to_thread(plane.start_component, "kube-apiserver")
    proxy.fault = Fault()


async def fresh_list(direct: Caller, selected: Selected) -> object:
    """Return what is there now."""
    path = f"/apis/batch/v1/namespaces/{selected.namespace}/jobs" if selected.namespace else _DIRECT_ALL
    answer = await direct("GET", f"{path}?{urlencode({'labelSelector': selected.selector})}")
    assert answer.status == 200
    return by_key(answer.json)


async def assert_follower_becomes_equal(follower: Follower, direct: Caller, seed: int) -> None:
    # A fresh list each time: the controllers may still have something to do to the last Jobs.
    fresh: object = None
    try:
        async with asyncio.timeout(WATCHDOG_SECONDS):
            while follower.state != (fresh := await fresh_list(direct, follower.selected)):
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"seed {seed}, {follower}: has {follower.state}, should have {fresh}")


async def assert_cache_becomes_equal(hasty_api: Caller, direct: Caller) -> None:
    everything = Selected(None, "", lambda color: True)
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while by_key((cached := await hasty_api("GET", f"{_ALL}?resourceVersion=0")).json) != await fresh_list(
            direct, everything
        ):
            await asyncio.sleep(0.05)
    assert cached.headers["Cache-Status"] == "job-api; hit"


@pytest.mark.parametrize("seed", [1, 2])
async def test_followers_miss_nothing_and_see_nothing_twice_whatever_the_network_and_the_apiserver_do(
    hasty_api: Caller,
    direct: Caller,
    proxy: FaultProxy,
    fragile_control_plane: ControlPlane,
    namespaces: list[str],
    seed: int,
    figure: Figure,
) -> None:
    followers, chance = followers_of(hasty_api, namespaces, seed), random.Random(seed)  # noqa: S311 (no secret)
    async with History(direct.session, fragile_control_plane.etcd_url) as history, following(followers):
        async with changing(direct, namespaces, seed):
            await strike_with_each(proxy, chance)
            await forget_while_cut_off(proxy, fragile_control_plane, history)
            await strike_with_each(proxy, chance)
        for follower in followers:
            await assert_follower_becomes_equal(follower, direct, seed)
        await assert_cache_becomes_equal(hasty_api, direct)
        await history.reaches(max(stream.place or 0 for each in followers for stream in each.streams) - 1)
    for follower in followers:
        follower.assert_saw_the_truth(history, f"seed {seed}")
    streams = [stream for follower in followers for stream in follower.streams]
    ends = {end: sum(stream.end == end for stream in streams) for end in sorted({each.end for each in streams})}
    assert ends["410"], f"seed {seed}: nobody's place was too old: {ends}"
    figure(f"faults, seed {seed}: {len(history.changes)} changes, {len(streams)} streams that ended so: {ends}")
