"""Waits and server-sent events while the apiserver is away: what they wait for is told once it can be known."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from tests.callers import Answer, Caller, assert_is_status
from tests.cluster.control_plane import ControlPlane
from tests.conftest import StartService
from tests.contract.conftest import Backend
from tests.contract.paths import direct_job, direct_jobs, job
from tests.faults.followers import SERVER_SENT, WITH_BOOKMARKS, Follower
from tests.faults.history import Selected
from tests.faults.proxy import Fault, FaultProxy
from tests.faults.workload import create_job, delete_job, patch_job, suspended_job
from tests.waiting import eventually

pytestmark = pytest.mark.cluster

_TIMES = {"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:01:00Z"}
_SUCCESS = {"type": "SuccessCriteriaMet", "status": "True"}
_COMPLETE = {"type": "Complete", "status": "True"}


@pytest.fixture
def real_backend(fragile_control_plane: ControlPlane) -> Backend:
    plane = fragile_control_plane
    return Backend(plane.server, plane.ca_file, plane.admin_token)


@pytest.fixture
def backend(real_backend: Backend) -> Backend:
    return real_backend


@pytest.fixture(params=["with a cache", "without"])
async def waiting_api(
    request: pytest.FixtureRequest,
    hasty_api: Caller,
    proxy: FaultProxy,
    backend: Backend,
    tmp_path: Path,
    start_service: StartService,
) -> Caller:
    """Return a caller of a service whose waits hear from the cache, or from watches of their own."""
    if request.param == "with a cache":
        return hasty_api
    url = await start_service(kubeconfig=backend.kubeconfig(tmp_path / "own.kubeconfig", proxy.url))
    return Caller(hasty_api.session, url, {})


async def create_unmanaged(direct: Caller, namespace: str, name: str) -> None:
    """Create a Job that no controller touches, so that the test says when it is finished."""
    manifest = json.loads(suspended_job(name, "red"))
    manifest["spec"] |= {"suspend": False, "managedBy": "example.com/the-test"}
    body = json.dumps(manifest).encode()
    created = await direct("POST", direct_jobs(namespace), body, {"Content-Type": "application/json"})
    assert created.status == 201, created


async def finish(direct: Caller, namespace: str, name: str) -> None:
    """Write what a controller writes, in the steps that the apiserver insists on."""
    status = {**_TIMES, "succeeded": 1, "conditions": [_SUCCESS, _COMPLETE]}
    await patch_job(
        direct,
        namespace,
        name,
        {"status": {"startTime": _TIMES["startTime"], "conditions": [_SUCCESS]}},
        "/status",
    )
    await patch_job(direct, namespace, name, {"status": status}, "/status")


async def begin_wait(api: Caller, proxy: FaultProxy, namespace: str, name: str, goal: str) -> asyncio.Task[Answer]:
    """Begin to wait for a Job, and return once the service has read it."""
    asked, told = f"GET {direct_job(namespace, name)} ".encode(), f'"name":"{name}"'.encode()
    path = f"{job(namespace, name)}/wait?for={goal}&timeoutSeconds=60"
    wait = asyncio.create_task(api("GET", path))
    await eventually(lambda: any(asked in each.sent and told in each.answered for each in proxy.connections))
    return wait


async def test_a_wait_that_spans_a_restart_of_the_apiserver_answers_when_its_time_has_come(
    waiting_api: Caller, direct: Caller, proxy: FaultProxy, fragile_control_plane: ControlPlane, namespace: str
) -> None:
    for name in ("ends", "goes", "is-replaced"):
        await create_unmanaged(direct, namespace, name)
    everything = Selected(namespace, "", lambda color: True)
    async with Follower(waiting_api.session, waiting_api.url, everything, SERVER_SENT).following() as follower:
        finished = await begin_wait(waiting_api, proxy, namespace, "ends", "finished")
        deleted = await begin_wait(waiting_api, proxy, namespace, "goes", "delete")
        replaced = await begin_wait(waiting_api, proxy, namespace, "is-replaced", "finished")
        await eventually(lambda: len(follower.state) == 3)
        # What happens now is forgotten by the apiserver that comes back.
        proxy.fault = Fault(cut_after=0)
        await delete_job(direct, namespace, "is-replaced")
        await create_unmanaged(direct, namespace, "is-replaced")
        await asyncio.to_thread(fragile_control_plane.stop_component, "kube-apiserver")
        await asyncio.to_thread(fragile_control_plane.start_component, "kube-apiserver")
        proxy.fault = Fault()
        assert "was replaced" in assert_is_status(await replaced, 404, "NotFound")["message"]
        assert not finished.done()
        assert not deleted.done()
        await finish(direct, namespace, "ends")
        await delete_job(direct, namespace, "goes")
        await delete_job(direct, namespace, "is-replaced")
        assert (await finished).json == (await direct("GET", direct_job(namespace, "ends"))).json
        assert [(await deleted).status, (await deleted).json["status"]] == [200, "Success"]
        await eventually(lambda: list(follower.state.values()) == [finished.result().json])


async def test_what_happens_while_the_service_is_cut_off_is_told_when_it_is_back(
    waiting_api: Caller, direct: Caller, proxy: FaultProxy, namespace: str
) -> None:
    names = ("ends", "goes", "is-missed", "is-replaced", "is-replaced-too")
    for name in names:
        await create_unmanaged(direct, namespace, name)
    goals = ("finished", "delete", "finished", "complete", "delete")
    waits = [
        await begin_wait(waiting_api, proxy, namespace, name, goal) for name, goal in zip(names, goals, strict=True)
    ]
    proxy.fault = Fault(cut_after=0)
    await finish(direct, namespace, "ends")
    for name in names[1:]:
        await delete_job(direct, namespace, name)
    for name in names[3:]:
        await create_unmanaged(direct, namespace, name)
        await finish(direct, namespace, name)
    assert not any(wait.done() for wait in waits)
    proxy.fault = Fault()
    finished, deleted, missed, replaced, gone = await asyncio.gather(*waits)
    assert finished.json == (await direct("GET", direct_job(namespace, "ends"))).json
    assert [deleted.status, gone.status] == [200, 200]
    assert [deleted.json["status"], gone.json["status"]] == ["Success", "Success"]
    assert "was deleted" in assert_is_status(missed, 404, "NotFound")["message"]
    assert_is_status(replaced, 404, "NotFound")


async def test_a_wait_that_begins_while_the_apiserver_is_away_is_503_at_once(
    waiting_api: Caller, direct: Caller, proxy: FaultProxy, namespace: str
) -> None:
    await create_job(direct, namespace, "one")
    assert (await waiting_api("GET", job(namespace, "one"))).status == 200
    proxy.fault = Fault(cut_after=0)
    refused = await waiting_api("GET", f"{job(namespace, 'one')}/wait?for=delete&timeoutSeconds=60")
    assert_is_status(refused, 503, "ServiceUnavailable")
    proxy.fault = Fault()


async def test_a_watch_of_its_own_is_cut_where_upstream_breaks_off(
    proxy: FaultProxy,
    backend: Backend,
    direct: Caller,
    namespace: str,
    tmp_path: Path,
    start_service: StartService,
    http_client: aiohttp.ClientSession,
) -> None:
    url = await start_service(kubeconfig=backend.kubeconfig(tmp_path / "own.kubeconfig", proxy.url), cache=False)
    everything = Selected(namespace, "", lambda color: True)
    async with Follower(http_client, url, everything, WITH_BOOKMARKS).following() as follower:
        await eventually(lambda: follower.streams and follower.streams[0].began)
        proxy.fault = Fault(cut_after=100)
        await create_job(direct, namespace, "one")
        await eventually(lambda: follower.streams[0].end == "cut")
        proxy.fault = Fault()
        await eventually(lambda: follower.state)
