"""How much is done at a time: what is over a bound is 429, and everybody else is served as before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import aiohttp
import msgspec
import pytest

from service.api import keys
from tests.api.gated import MANIFEST, Gated
from tests.cache.conftest import Front, StartFront
from tests.cache.jobs import status
from tests.callers import Answer, assert_is_status
from tests.contract.paths import job, jobs
from tests.upstream import Received, http, json_answer
from tests.waiting import eventually

ANN = {"Authorization": "Bearer ann"}
BOB = {"Authorization": "Bearer bob"}
WATCH = f"{jobs('default')}?watch=true&resourceVersion=1"
WAIT = f"{job('default', 'one')}/wait"


def asking(front: Front, name: str, headers: dict[str, str] | None = None) -> "asyncio.Task[Answer]":
    return asyncio.create_task(front.api("GET", job("default", name), headers=headers))


def held(front: Front) -> int:
    """Return how many places are taken, of any kind."""
    bounds = front.app[keys.ADMISSION]
    each = (bounds.requests, bounds.requests_of_one, bounds.streams, bounds.streams_of_one)
    return sum(bound._held.total() for bound in each)


def assert_is_refused(answer: Answer, flag: str) -> None:
    assert flag in assert_is_status(answer, 429, "TooManyRequests")["message"]
    assert answer.headers["Retry-After"] == "1"


async def test_requests_beyond_the_bound_are_429_and_the_others_and_probes_are_served(front: StartFront) -> None:
    gated = Gated()
    service = await front(gated.answer, max_requests_inflight=2)
    admitted = [asking(service, name) for name in ("one", "two")]
    await eventually(lambda: len(gated.arrived) == 2)
    for method, path, body in (
        ("GET", job("default", "one"), None),
        ("GET", jobs("default"), None),
        ("POST", jobs("default"), MANIFEST),
        ("DELETE", job("default", "one"), None),
        ("GET", WATCH, None),
        ("GET", "/no/such/route", None),
    ):
        assert_is_refused(await service.api(method, path, body), "--max-requests-inflight")
    for probe in ("/livez", "/healthz", "/readyz", "/version"):
        assert (await service.api("GET", probe)).status == 200
    assert len(gated.arrived) == 2
    gated.gate.set()
    assert [answer.status for answer in await asyncio.gather(*admitted)] == [200, 200]
    assert (await service.api("POST", jobs("default"), MANIFEST)).status == 201
    assert held(service) == 0


async def test_what_takes_no_place_is_not_asked_upstream_each_time(front: StartFront) -> None:
    async def answer(_: Received) -> bytes:
        return json_answer(200, b'{"gitVersion":"v1.36.3"}')

    service = await front(answer, max_requests_inflight=1, auth_mode="passthrough")
    told = await asyncio.gather(*(service.api("GET", "/version") for _ in range(20)))
    assert {each.json["upstreamVersion"] for each in told} == {"v1.36.3"}
    assert len(service.upstream.received) < 20


async def test_streams_have_bounds_of_their_own_and_take_no_place_of_a_request(front: StartFront) -> None:
    gated = Gated()
    gated.gate.set()
    service = await front(gated.answer, max_streams=2, max_requests_inflight=1)
    async with AsyncExitStack() as stack:
        watching = await stack.enter_async_context(service.api.session.get(service.api.url + WATCH))
        waiting = asyncio.create_task(service.api("GET", WAIT))
        await eventually(lambda: sum("watch=" in each.target for each in gated.arrived) == 2)
        for refused in (WATCH, WAIT, f"{jobs('default')}?watch=true"):
            assert_is_refused(await service.api("GET", refused), "--max-streams")
        assert (await service.api("GET", job("default", "one"))).status == 200
        watching.close()
        await eventually(lambda: held(service) == 1)
        async with service.api.session.get(service.api.url + WATCH) as another:
            assert another.status == 200
        await hung_up(waiting)
    await eventually(lambda: held(service) == 0)


async def hung_up(calling: "asyncio.Task[Answer]") -> None:
    calling.cancel()
    with suppress(asyncio.CancelledError):
        await calling


ENDS = {
    "dropped": None,
    "refused": json_answer(404, status(404, "NotFound")),
    "nonsense": http(500, b"no Status"),
    "cut": http(200, b"x" * 200_000, {"Content-Type": "application/json"})[:-50],
}


async def test_a_place_is_given_back_however_a_request_ends(front: StartFront) -> None:
    async def answer(request: Received) -> bytes | None:
        name = request.target.rpartition("/")[2]
        if name not in ENDS:
            await asyncio.Event().wait()
        return ENDS[name]

    bounds: dict[str, Any] = {"max_requests_inflight": 1, "max_requests_inflight_per_caller": 1}
    service = await front(answer, chunk_seconds=0.1, auth_mode="passthrough", **bounds)

    async def code(path: str, headers: dict[str, str], method: str = "GET") -> int:
        return (await service.api(method, path, headers=headers)).status

    assert await code(job("default", "dropped"), ANN) == 503
    assert await code(job("default", "refused"), ANN) == 404
    assert await code(job("default", "nonsense"), ANN) == 500
    with pytest.raises(aiohttp.ClientError):
        await service.api("GET", job("default", "cut"), headers=ANN)
    await eventually(lambda: held(service) == 0)
    assert await code(job("default", "Bad_Name"), ANN) == 400
    assert await code(WATCH.replace("=1", "=nonsense"), ANN) == 400
    assert await code("/no/such/route", {}) == 404
    assert await code(job("default", "one"), {}) == 401
    assert await code(job("default", "one"), ANN, "PUT") == 405
    calling = asking(service, "silent", ANN)
    await eventually(lambda: held(service) == 2)
    await hung_up(calling)
    await eventually(lambda: held(service) == 0)


async def test_writes_that_go_on_without_their_callers_are_no_way_around_the_bound(front: StartFront) -> None:
    gated = Gated()
    service = await front(gated.answer, max_requests_inflight=2)
    writes = [
        asyncio.create_task(service.api("POST", jobs("default"), MANIFEST)),
        asyncio.create_task(service.api("DELETE", job("default", "one"))),
    ]
    await eventually(lambda: len(gated.arrived) == 2)
    for calling in writes:
        await hung_up(calling)
    await eventually(lambda: held(service) == 0)
    assert_is_refused(await service.api("POST", jobs("default"), MANIFEST), "--max-requests-inflight")
    reading = asking(service, "one")
    await eventually(lambda: len(gated.arrived) == 3)
    gated.gate.set()
    assert (await reading).status == 200
    await eventually(lambda: not service.app[keys.READINESS]._client._writes)
    assert (await service.api("POST", jobs("default"), MANIFEST)).status == 201


async def test_a_caller_at_its_bound_takes_nothing_from_another(front: StartFront) -> None:
    gated = Gated()
    bounds: dict[str, Any] = {"max_requests_inflight_per_caller": 1, "max_streams_per_caller": 1}
    service = await front(gated.answer, auth_mode="passthrough", **bounds)
    admitted = [asking(service, "one", ANN)]
    await eventually(lambda: len(gated.arrived) == 1)
    for path in (job("default", "one"), jobs("default"), WATCH):
        refused = await service.api("GET", path, headers=ANN)
        assert_is_refused(refused, "--max-requests-inflight-per-caller")
    for headers in ({}, {"Authorization": "Basic YTpi"}):
        assert_is_status(await service.api("GET", WATCH, headers=headers), 401, "Unauthorized")
    assert held(service) == 2
    admitted.append(asking(service, "one", BOB))
    await eventually(lambda: len(gated.arrived) == 2)
    gated.gate.set()
    assert [answer.status for answer in await asyncio.gather(*admitted)] == [200, 200]
    async with AsyncExitStack() as stack:
        for headers in (ANN, BOB):
            url = service.api.url + WATCH
            watching = await stack.enter_async_context(service.api.session.get(url, headers=headers))
            assert watching.status == 200
            for path in (WATCH, WAIT):
                refused = await service.api("GET", path, headers=headers)
                assert_is_refused(refused, "--max-streams-per-caller")
            assert (await service.api("GET", job("default", "one"), headers=headers)).status == 200
    await eventually(lambda: held(service) == 0)


async def test_a_user_with_two_tokens_has_one_bound(front: StartFront) -> None:
    gated = Gated()

    async def answer(request: Received) -> bytes | AsyncIterator[bytes]:
        if request.target.endswith("/tokenreviews"):
            token = msgspec.json.decode(request.body)["spec"]["token"]
            extra = {"authentication.kubernetes.io/credential-id": [f"JTI={token}"]}
            user = {"username": token.partition("-")[0], "extra": extra}
            return json_answer(201, msgspec.json.encode({"status": {"authenticated": True, "user": user}}))
        if request.target.endswith("/subjectaccessreviews"):
            return json_answer(201, b'{"status":{"allowed":true}}')
        return await gated.answer(request)

    service = await front(answer, auth_mode="delegated", max_requests_inflight_per_caller=1)
    tokens = {name: {"Authorization": f"Bearer {name}"} for name in ("ann-1", "ann-2", "bob-1")}
    admitted = [asking(service, "one", tokens["ann-1"])]
    await eventually(lambda: len(gated.arrived) == 1)
    refused = await service.api("GET", job("default", "two"), headers=tokens["ann-2"])
    assert_is_refused(refused, "--max-requests-inflight-per-caller")
    admitted.append(asking(service, "two", tokens["bob-1"]))
    await eventually(lambda: len(gated.arrived) == 2)
    gated.gate.set()
    assert [answer.status for answer in await asyncio.gather(*admitted)] == [200, 200]
