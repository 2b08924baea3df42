"""Callers who speak for themselves: each with its own token, which nobody else's is mixed up with. Section 8."""

import asyncio
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec
import pytest

from tests.api.gated import MANIFEST, Gated
from tests.cache.conftest import Front, StartFront
from tests.cache.jobs import status
from tests.callers import Answer, assert_is_status
from tests.contract.paths import job, jobs
from tests.upstream import Received, json_answer
from tests.waiting import eventually

OWN_TOKEN = "the-service's-own-token"
ANN = {"Authorization": "Bearer ann"}
BOB = {"Authorization": "Bearer bob"}
ONE = job("default", "one")
SELF_SUBJECT_REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


async def test_a_callers_token_goes_upstream_and_the_services_own_never(front: StartFront) -> None:
    gated = Gated()
    gated.gate.set()
    service = await front(gated.answer, token=OWN_TOKEN, auth_mode="passthrough")
    for path in (ONE, jobs("default"), "/api/v1/_raw/job", f"{ONE}?pretty=true"):
        assert (await service.api("GET", path, headers=ANN)).status == 200
    assert (await service.api("POST", jobs("default"), MANIFEST, ANN)).status == 201
    assert (await service.api("DELETE", ONE, None, ANN)).status == 200
    async with service.api.session.get(f"{service.api.url}{jobs('default')}?watch=true", headers=ANN) as watching:
        assert watching.status == 200
    waiting = asyncio.create_task(service.api("GET", f"{ONE}/wait", headers=ANN))
    await eventually(lambda: sum("watch=" in each.target for each in gated.arrived) == 2)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    assert {each.headers["Authorization"] for each in gated.arrived} == {"Bearer ann"}
    assert all(len(each.headers.getall("Authorization")) == 1 for each in gated.arrived)


async def test_a_read_is_shared_by_those_with_the_same_token_and_by_nobody_else(front: StartFront) -> None:
    held, arrived = asyncio.Event(), list[str]()

    async def answer(request: Received) -> bytes:
        arrived.append(request.headers["Authorization"])
        await held.wait()
        return json_answer(200, msgspec.json.encode(request.headers["Authorization"]))

    service = await front(answer, auth_mode="passthrough")
    (first,) = ask(service, ANN, 1)
    await eventually(lambda: arrived == ["Bearer ann"])
    sharing, others = ask(service, ANN, 3), ask(service, BOB, 1)
    # The first read is under way, so those who come later wait for the next; Bob waits for nobody.
    await eventually(lambda: sum(each.callers for each in service.live.reads._next.values()) == 3)
    await eventually(lambda: "Bearer bob" in arrived)
    held.set()
    assert {answer.json for answer in await asyncio.gather(first, *sharing)} == {"Bearer ann"}
    assert {answer.json for answer in await asyncio.gather(*others)} == {"Bearer bob"}
    assert arrived.count("Bearer ann") == 2
    assert arrived.count("Bearer bob") == 1


def ask(front: Front, headers: dict[str, str], count: int) -> "list[asyncio.Task[Answer]]":
    return [asyncio.create_task(front.api("GET", ONE, headers=headers)) for _ in range(count)]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ONE), ("GET", jobs("default")), ("POST", jobs("default")), ("GET", f"{jobs('default')}?watch=true")],
)
async def test_what_upstream_says_to_a_token_that_is_none_is_relayed(
    front: StartFront, method: str, path: str
) -> None:
    refusal = status(401, "Unauthorized")

    async def answer(_: Received) -> bytes:
        return json_answer(401, refusal)

    service = await front(answer, token=OWN_TOKEN, auth_mode="passthrough")
    refused = await service.api(method, path, MANIFEST if method == "POST" else None, ANN)
    assert (refused.status, refused.body) == (401, refusal)
    assert refused.headers.getall("WWW-Authenticate") == ["Bearer"]
    assert [each.headers["Authorization"] for each in service.upstream.received] == ["Bearer ann"]


async def test_a_call_without_a_token_or_as_somebody_else_reaches_nobody(front: StartFront) -> None:
    gated = Gated()
    service = await front(gated.answer, token=OWN_TOKEN, auth_mode="passthrough")
    for method, path, body in (
        ("GET", ONE, None),
        ("GET", f"{jobs('default')}?watch=true", None),
        ("GET", f"{ONE}/wait", None),
        ("POST", jobs("default"), MANIFEST),
        ("DELETE", ONE, None),
    ):
        refused = await service.api(method, path, body)
        assert_is_status(refused, 401, "Unauthorized")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        for name in ("Impersonate-User", "impersonate-Group", "Impersonate-Extra-scopes"):
            assert_is_status(await service.api(method, path, body, {**ANN, name: "admin"}), 400, "BadRequest")
    assert not gated.arrived


@pytest.mark.parametrize(("life", "reviews"), [(3600, 1), (-3600, 2)])
async def test_whose_a_token_is_is_remembered_no_longer_than_the_token_lives(
    front: StartFront, life: int, reviews: int
) -> None:
    async def answer(request: Received) -> bytes | AsyncIterator[bytes]:
        if request.target == SELF_SUBJECT_REVIEWS:
            return json_answer(201, b'{"status":{"userInfo":{"username":"ann"}}}')
        return json_answer(201, b"{}")

    service = await front(answer, token=OWN_TOKEN, auth_mode="passthrough")
    claims = urlsafe_b64encode(b'{"exp":%d}' % (time.time() + life)).decode().rstrip("=")
    headers = {"Authorization": f"Bearer e30.{claims}.x"}
    for key in ("first", "second"):
        created = await service.api("POST", jobs("default"), MANIFEST, {**headers, "Idempotency-Key": key})
        assert created.status == 201
    assert [each.target for each in service.upstream.received].count(SELF_SUBJECT_REVIEWS) == reviews
    assert {each.headers["Authorization"] for each in service.upstream.received} == {headers["Authorization"]}
