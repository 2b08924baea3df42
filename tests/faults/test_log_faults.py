"""Logs that are followed while the network misbehaves: each line comes once, and in its order."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from service.sandbox import server as sandbox_server
from service.sandbox.store import Limits, Store
from tests.callers import Answer, Caller, assert_is_status
from tests.conftest import StartService
from tests.contract.conftest import Backend
from tests.contract.logged import by_origin, create, following, log, name_of, pods_in, printing
from tests.faults.proxy import Fault, FaultProxy
from tests.waiting import eventually

PODS = 3
LINES = [b"line %d" % number for number in range(20)]
# A line now and then, for as long as the faults take.
SCRIPT = "; ".join(f"echo {line.decode()}; sleep 0.03" for line in LINES)


@pytest.fixture
def store() -> Store:
    """Return what soon forgets."""
    return Store(Limits(changes=20))


@pytest.fixture
async def backend(store: Store) -> AsyncIterator[Backend]:
    """Return the sandbox."""
    async with sandbox_server.running(store) as url:
        yield Backend(url, None, None)


@pytest.fixture
def real_backend() -> None:
    """Take the sandbox alone."""


# The fast tests take one of all these; the others go where there is time.
slower = pytest.mark.cluster


@pytest.fixture(params=[pytest.param("with a cache", marks=slower), "without"])
async def api(
    request: pytest.FixtureRequest,
    proxy: FaultProxy,
    backend: Backend,
    tmp_path: Path,
    start_service: StartService,
    http_client: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> Caller:
    """Return a caller of a service that notices silence soon, and tries again soon."""
    monkeypatch.setattr("service.logs.followed_container._SHORTEST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("service.logs.followed_container._LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr("service.logs.upstream._FOLLOW_SILENCE_SECONDS", 0.3)
    monkeypatch.setattr("service.logs.pod_feed._LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr("service.cache.reflector._LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr("service.cache.observations._LONGEST_PAUSE_SECONDS", 0.1)
    url = await start_service(
        kubeconfig=backend.kubeconfig(tmp_path / "proxied.kubeconfig", proxy.url),
        cache=request.param == "with a cache",
        watch_silence_seconds=0.3,
        chunk_seconds=0.3,
        upstream_first_byte_seconds=0.3,
    )
    return Caller(http_client, url, {})


async def begun(api: Caller, direct: Caller, proxy: FaultProxy, namespace: str) -> "asyncio.Task[Answer]":
    """Follow a Job whose pods run, and return once a line of each has come through the proxy."""
    await create(direct, namespace, printing("one", SCRIPT, completions=PODS, parallelism=PODS))
    pods = [name_of(pod) for pod in await pods_in(direct, namespace, PODS, "Running")]
    following_it = asyncio.create_task(api("GET", log(namespace, "one", "follow=true")))

    def is_followed(pod: str) -> bool:
        asked = f"/pods/{pod}/log?".encode()
        return any(asked in each.sent and b" line " in each.answered for each in proxy.connections)

    await eventually(lambda: all(is_followed(pod) for pod in pods))
    return following_it


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(cut_after=700), id="cut"),
        pytest.param(Fault(reset_after=333), id="reset", marks=slower),
        pytest.param(Fault(stall_after=500), id="stalled", marks=slower),
        pytest.param(Fault(cut_after=0), id="away", marks=slower),
        pytest.param(Fault(slice_bytes=7), id="in slices", marks=slower),
    ],
)
async def test_no_line_is_lost_or_twice_whatever_happens_to_the_connections(
    api: Caller, direct: Caller, proxy: FaultProxy, namespace: str, fault: Fault
) -> None:
    following_it = await begun(api, direct, proxy, namespace)
    connections = len(proxy.connections)
    proxy.fault = fault
    if fault.limit() is not None:
        await eventually(lambda: len(proxy.connections) > connections + PODS)
    proxy.fault = Fault()
    answer = await following_it
    pods = await pods_in(direct, namespace, PODS, "Succeeded")
    assert by_origin(answer.body) == {f"{name_of(pod)}/main": LINES for pod in pods}


@slower
async def test_what_the_apiserver_has_forgotten_meanwhile_is_learnt_anew(
    api: Caller, direct: Caller, proxy: FaultProxy, store: Store, namespace: str
) -> None:
    following_it = await begun(api, direct, proxy, namespace)
    connections = len(proxy.connections)
    proxy.fault = Fault(cut_after=0)
    await eventually(lambda: len(proxy.connections) > connections + PODS)
    for number in range(10):  # more changes than it remembers
        await create(direct, f"{namespace}-other", printing(f"other-{number}", "echo a"))
    await pods_in(direct, f"{namespace}-other", 10, "Succeeded")
    await pods_in(direct, namespace, PODS, "Succeeded")
    proxy.fault = Fault()
    answer = await following_it
    pods = await pods_in(direct, namespace, PODS, "Succeeded")
    assert by_origin(answer.body) == {f"{name_of(pod)}/main": LINES for pod in pods}


async def test_an_apiserver_that_is_away_at_the_begin_is_503(
    api: Caller, direct: Caller, proxy: FaultProxy, namespace: str
) -> None:
    await create(direct, namespace, printing("one", "echo a"))
    proxy.fault = Fault(cut_after=0)
    for query in ("", "follow=true", "pod=one-x"):
        assert_is_status(await api("GET", log(namespace, "one", query)), 503, "ServiceUnavailable")


async def test_a_caller_who_leaves_while_upstream_is_away_leaves_nothing_behind(
    api: Caller, direct: Caller, proxy: FaultProxy, namespace: str
) -> None:
    await create(direct, namespace, printing("one", "echo a; sleep 3600", parallelism=PODS, completions=PODS))
    await pods_in(direct, namespace, PODS, "Running")
    async with following(api, namespace, "one") as followed:
        for _ in range(PODS):
            await followed.line()
        connections = len(proxy.connections)
        proxy.fault = Fault(stall_after=0)
        await eventually(lambda: len(proxy.connections) > connections + PODS)
