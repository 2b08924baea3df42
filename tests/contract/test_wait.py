"""Section 6 of the contract: what a wait answers, and when. Each fact holds with the cache and without."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.api import keys
from tests.callers import Answer, Caller, assert_is_status
from tests.contract.conftest import Backend
from tests.contract.manifests import SLEEP1, ending, suspended
from tests.contract.paths import direct_job, direct_jobs, job, jobs
from tests.contract.served import Served, serving
from tests.faults.proxy import FaultProxy
from tests.waiting import eventually

YAML = {"Content-Type": "application/yaml"}
# Longer than the watchdog lets a test last: whatever is answered is answered for another reason.
LONG = "timeoutSeconds=3600"
BAD_GOALS = [
    "", "done", "Finished", "finished=True", "condition", "condition=", "condition==True", "condition=A=",
    "condition=A=B=C", "condition=A%20B", "jsonpath=%7B.status%7D", "create",
]  # fmt: skip
BAD_SECONDS = ["", "0", "-1", "3601", "1.5", "1s", "x", "%D9%A3", "9" * 30]


@pytest.fixture
async def services(
    backend: Backend, tmp_path: Path, http_client: aiohttp.ClientSession
) -> AsyncIterator[list[Served]]:
    """Return the service with its cache and without."""
    async with (
        serving(backend, tmp_path, http_client, cache=True) as cached,
        serving(backend, tmp_path, http_client, cache=False) as uncached,
    ):
        yield [cached, uncached]


async def create(direct: Caller, namespace: str, manifest: bytes) -> Any:
    created = await direct("POST", direct_jobs(namespace), manifest, YAML)
    assert created.status == 201, created
    return created.json


async def delete(direct: Caller, namespace: str, name: str) -> None:
    # Otherwise pods are orphaned first, and the Job is not gone yet.
    path = f"{direct_job(namespace, name)}?propagationPolicy=Background"
    assert (await direct("DELETE", path)).status == 200


async def waits(
    services: Sequence[Served], namespace: str, name: str, query: str = "", **call: Any
) -> list[Answer]:
    """Ask each service for the same wait at the same time."""
    return await asyncio.gather(*(each.wait(namespace, name, query, **call) for each in services))


async def begun(services: Sequence[Served], namespace: str, name: str, query: str) -> "asyncio.Task[list[Answer]]":
    """Ask for waits, and return once each has read the Job: what happens after that, happens while they wait."""
    before = [each.reads(namespace, name) for each in services]
    waiting = asyncio.create_task(waits(services, namespace, name, query))
    for each, reads in zip(services, before, strict=True):
        await eventually(partial(more_reads, each, namespace, name, reads))
    return waiting


def more_reads(service: Served, namespace: str, name: str, than: int) -> bool:
    return service.reads(namespace, name) > than


def holding(found: Answer) -> set[str]:
    assert found.status == 200, found
    assert found.json["kind"] == "Job"
    return {each["type"] for each in found.json["status"]["conditions"] if each["status"] == "True"}


async def test_a_job_that_runs_to_its_end_is_answered_raw_with_one_read_and_no_polling(
    services: list[Served], direct: Caller, namespace: str
) -> None:
    await create(direct, namespace, SLEEP1)
    # Who waits for what cannot come to be is told at the same moment.
    failing = await begun(services, namespace, "sleep1", f"for=failed&{LONG}")
    for answer in await waits(services, namespace, "sleep1", LONG):
        assert holding(answer) >= {"Complete"}
        assert answer.headers["Content-Type"].partition(";")[0] == "application/json"
        assert answer.body.endswith(b"}\n")
        assert answer.json == (await direct("GET", direct_job(namespace, "sleep1"))).json
    for answer in await failing:
        assert "Complete" in assert_is_status(answer, 409, "Conflict")["message"]
    cached, uncached = services
    assert cached.asked(direct_job(namespace, "sleep1")) == 2
    assert cached.asked(f"{direct_jobs(namespace)}?") == 0
    assert uncached.asked(direct_job(namespace, "sleep1")) == 2
    assert uncached.asked(f"{direct_jobs(namespace)}?watch=true&fieldSelector=metadata.name%3Dsleep1") == 2


@pytest.mark.parametrize(
    ("exit_code", "met", "excluded"),
    [
        (0, ["", "for=finished", "for=complete", "for=condition=Complete=True", "for=condition=successCRITERIAmet"],
         ["failed", "suspended", "condition=FailureTarget", "condition=Complete=False"]),
        (1, ["for=failed", "for=condition=fAILED=tRUE", "for=condition=failuretarget"],
         ["complete", "condition=SuccessCriteriaMet", "condition=SUSPENDED"]),
    ],
)  # fmt: skip
async def test_an_end_meets_what_it_is_and_excludes_at_once_what_it_is_not(
    services: list[Served], direct: Caller, namespace: str, exit_code: int, met: list[str], excluded: list[str]
) -> None:
    await create(direct, namespace, ending("one", exit_code, backoffLimit=0))
    end = "Failed" if exit_code else "Complete"
    await waits(services, namespace, "one", LONG)
    for query in met:
        for answer in await waits(services, namespace, "one", f"{query}&{LONG}"):
            assert end in holding(answer), query
    for goal in excluded:
        for answer in await waits(services, namespace, "one", f"for={goal}&{LONG}"):
            status = assert_is_status(answer, 409, "Conflict")
            assert f"'{goal}'" in status["message"]
            assert end in status["message"]
            assert status["details"] == {"name": "one", "group": "batch", "kind": "jobs"}


async def test_straight_after_a_post_no_wait_says_404(services: list[Served], namespace: str) -> None:
    async def created_and_awaited(service: Served, name: str) -> Answer:
        assert (await service.api("POST", jobs(namespace), suspended(name))).status == 201
        return await service.wait(namespace, name, f"for=suspended&{LONG}")

    names = [f"one-{number}" for number in range(12)]
    each = [
        created_and_awaited(service, f"{name}-{number}")
        for number, service in enumerate(services)
        for name in names
    ]
    for answer in await asyncio.gather(*each):
        assert holding(answer) == {"Suspended"}


async def test_a_suspended_job_is_told_as_it_is_and_when_the_time_is_over(
    services: list[Served], direct: Caller, namespace: str
) -> None:
    await create(direct, namespace, suspended("one"))
    for goal in ("suspended", "condition=sUSPENDED", "condition=Suspended=true"):
        for answer in await waits(services, namespace, "one", f"for={goal}&{LONG}"):
            assert holding(answer) == {"Suspended"}
            head = await services[0].wait(namespace, "one", f"for={goal}", method="HEAD")
            assert (head.status, head.body) == (200, b"")
            assert head.headers["Content-Length"] == answer.headers["Content-Length"]
    goals = ("finished", "complete", "delete", "condition=Suspended=False", "condition=Nobodys=Own")
    # All at once, for each takes its second.
    asked = [(goal, service) for goal in goals for service in services]
    late = await asyncio.gather(*(unmet(service, namespace, goal) for goal, service in asked))
    for (goal, _), answer in zip(asked, late, strict=True):
        status = assert_is_status(answer, 504, "Timeout")
        assert "Suspended" in status["message"]
        assert f"'{goal}'" in status["message"]
        assert status["details"]["causes"][0]["reason"] == "ConditionNotMet"
        assert status["details"]["name"] == "one"
        assert "Retry-After" not in answer.headers
    route = {"route": f"{job('{namespace}', '{name}')}/wait", "method": "GET"}
    for service in services:
        metric = service.app[keys.METRICS].registry.get_sample_value
        told = metric("job_api_requests_total", {**route, "code": "504", "outcome": "not_yet"})
        assert told is not None
        assert told >= len(goals)
        assert metric("job_api_request_duration_seconds_count", route) is None


async def unmet(service: Served, namespace: str, goal: str) -> Answer:
    """Wait in vain; on a busy machine, for longer than it takes to read the Job in the first place."""
    seconds = 1
    while True:
        answer = await service.wait(namespace, "one", f"for={goal}&timeoutSeconds={seconds}")
        if b"the apiserver did not answer in time" not in answer.body:
            return answer
        seconds *= 2


async def test_a_job_that_is_not_there_is_404_at_once_and_gone_is_what_it_is(
    services: list[Served], namespace: str
) -> None:
    for goal in ("finished", "complete", "condition=Any"):
        for answer in await waits(services, namespace, "none", f"for={goal}&{LONG}"):
            status = assert_is_status(answer, 404, "NotFound")
            assert status["message"] == 'jobs.batch "none" not found'
            assert status["details"] == {"name": "none", "group": "batch", "kind": "jobs"}
    for answer in await waits(services, namespace, "none", f"for=delete&{LONG}"):
        assert (answer.status, answer.json["kind"], answer.json["status"]) == (200, "Status", "Success")


async def test_a_job_that_is_deleted_while_waited_for_is_404_that_says_so(
    services: list[Served], direct: Caller, namespace: str
) -> None:
    await create(direct, namespace, suspended("one"))
    waiting = await begun(services, namespace, "one", LONG)
    gone = asyncio.create_task(waits(services, namespace, "one", f"for=delete&{LONG}"))
    await delete(direct, namespace, "one")
    for answer in await waiting:
        status = assert_is_status(answer, 404, "NotFound")
        assert 'jobs.batch "one" was deleted while it was waited for' in status["message"]
        assert status["details"]["name"] == "one"
    for answer in await gone:
        assert answer.status == 200
        assert answer.json == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {"name": "one", "group": "batch", "kind": "jobs"},
        }


async def test_another_job_of_the_same_name_is_never_taken_for_the_one_waited_for(
    services: list[Served], direct: Caller, namespace: str
) -> None:
    await create(direct, namespace, suspended("one"))
    waiting = await begun(services, namespace, "one", LONG)
    gone = await begun(services, namespace, "one", f"for=delete&{LONG}")
    await delete(direct, namespace, "one")
    another = await create(direct, namespace, ending("one"))
    for answer in await waiting:
        told = assert_is_status(answer, 404, "NotFound")["message"]
        assert "was deleted" in told or "was replaced" in told
        assert another["metadata"]["uid"].encode() not in answer.body
    for answer in await gone:
        assert (answer.status, answer.json["status"]) == (200, "Success")


async def test_a_job_that_is_gone_the_moment_it_finishes_is_still_answered(
    services: list[Served], direct: Caller, namespace: str
) -> None:
    await create(direct, namespace, ending("one", seconds=0.3, ttlSecondsAfterFinished=0))
    waiting = await begun(services, namespace, "one", LONG)
    for answer in await waits(services, namespace, "one", f"for=delete&{LONG}"):
        assert answer.json["status"] == "Success"
    for answer in await waiting:
        assert "Complete" in holding(answer)
    assert (await direct("GET", direct_job(namespace, "one"))).status == 404


async def test_what_cannot_be_waited_for_is_400_and_never_travels(proxied_api: Caller, proxy: FaultProxy) -> None:
    queries = [
        *(f"for={goal}" for goal in BAD_GOALS),
        *(f"timeoutSeconds={text}" for text in BAD_SECONDS),
        *("for=finished&for=finished", "resourceVersion=0", "watch=true", "pretty=true"),
    ]
    for query in queries:
        answer = await proxied_api("GET", f"{job('default', 'one')}/wait?{query}")
        assert query.partition("=")[0] in assert_is_status(answer, 400, "BadRequest")["message"], query
    assert proxy.connections == []


async def test_a_wait_is_told_in_json_only(proxied_api: Caller, proxy: FaultProxy) -> None:
    path = f"{job('default', 'one')}/wait"
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    for accept in ("application/yaml", table, "text/event-stream", "image/png"):
        answer = await proxied_api("GET", path, headers={"Accept": accept})
        assert "application/json" in assert_is_status(answer, 406, "NotAcceptable")["message"]
    assert proxy.connections == []
    refused = await proxied_api("POST", path, b"{}")
    assert_is_status(refused, 405, "MethodNotAllowed")
    assert refused.headers["Allow"] == "GET, HEAD"
