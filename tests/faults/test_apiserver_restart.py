"""The apiserver crashes and comes back while Jobs are created and read."""

import asyncio

import aiohttp
import pytest

from tests.callers import Answer, Caller, assert_is_status
from tests.cluster.control_plane import ControlPlane
from tests.conftest import Figure
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import direct_jobs, job, jobs
from tests.faults.load import Load
from tests.processes import RunService
from tests.waiting import WATCHDOG_SECONDS

pytestmark = [pytest.mark.cluster, pytest.mark.soak]


@pytest.fixture
def backend(fragile_control_plane: ControlPlane) -> Backend:
    plane = fragile_control_plane
    return Backend(plane.server, plane.ca_file, plane.admin_token)


@pytest.fixture
def real_backend(backend: Backend) -> Backend:
    return backend


async def recovered(api: Caller) -> None:
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while (await api("GET", "/readyz")).status != 200:
            await asyncio.sleep(0.05)


def assert_is_honest(method: str, answer: Answer) -> None:
    """Check that a failure is a Status, and that one of ours says what is known of the outcome."""
    assert answer.json["kind"] == "Status", answer
    assert answer.json["code"] == answer.status, answer
    assert answer.status in {403, 429, 500, 503, 504}, answer
    if "Audit-Id" in answer.headers:
        return  # relayed: the apiserver's own, from the time of its start
    if answer.status == 504:
        message = assert_is_status(answer, 504, "Timeout")["message"]
        assert ("unknown: GET the Job" in message) is (method == "POST"), answer
        assert "Retry-After" not in answer.headers
    if answer.status == 503:
        assert answer.headers["Retry-After"]
        assert "unknown" not in answer.json["message"]


async def test_what_was_answered_is_true_when_the_apiserver_restarts_in_the_middle(
    fragile_control_plane: ControlPlane,
    direct: Caller,
    namespace: str,
    run: RunService,
    http_client: aiohttp.ClientSession,
    soaking: bool,
    figure: Figure,
) -> None:
    plane = fragile_control_plane
    restarts, each = (5, 1_000) if soaking else (1, 1_000)
    async with run(f"--kubeconfig={plane.kubeconfig}") as service:
        load = Load(Caller(http_client, await service.url(), {}), namespace)
        await recovered(load.api)
        for restart in range(restarts):
            numbers = iter(range(restart * each, (restart + 1) * each))
            async with load.running(numbers, callers=16, all_of_them=True):
                await load.has_answers(len(load.answers) + each)
                await asyncio.to_thread(plane.stop_component, "kube-apiserver")
                await asyncio.to_thread(plane.start_component, "kube-apiserver")
                await recovered(load.api)
        assert (await load.api("POST", jobs(namespace), suspended("afterwards"))).status == 201
        assert (await load.api("GET", job(namespace, "afterwards"))).status == 200
        assert not service.events("a bug")
    there = {item["metadata"]["name"] for item in (await direct("GET", direct_jobs(namespace))).json["items"]}
    created = {name for name, answer in load.created.items() if answer.status == 201}
    unknown = {name for name, answer in load.created.items() if answer.status == 504}
    assert created <= there, "a Job that was answered 201 is not there"
    assert there <= created | unknown | {"afterwards"}, "a Job is there that was said not to have been created"
    failed = [
        *(("POST", answer) for answer in load.created.values() if answer.status != 201),
        *(("GET", answer) for answer in load.read.values() if answer.status != 200),
    ]
    assert failed, "the load has not met the restart"
    for method, answer in failed:
        assert_is_honest(method, answer)
    codes = sorted({answer.status for _, answer in failed})
    figure(f"{len(load.answers)} calls, {len(failed)} failed ({codes}), of {len(unknown)} creates unknown")
