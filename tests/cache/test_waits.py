"""Waits in front of an upstream that refuses, breaks off or stays silent. Section 6 of the contract."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.cache.conftest import Front, StartFront
from tests.cache.jobs import raw_job, status
from tests.cache.scripted import watch
from tests.callers import Answer, Caller, assert_is_status
from tests.contract.paths import job
from tests.upstream import Received, json_answer
from tests.waiting import eventually


@pytest.mark.parametrize("goal", ["finished", "delete"])
async def test_a_job_that_was_replaced_while_nothing_was_heard_is_not_taken_for_the_one_before(
    front: StartFront, goal: str
) -> None:
    uids = iter(("first", "second"))
    ended = [{"type": "Complete", "status": "True"}]

    async def answer(request: Received) -> bytes | AsyncIterator[bytes]:
        if "watch" in request.target:
            pieces = watch()
            assert callable(pieces)
            return pieces()
        uid = next(uids)
        return json_answer(200, raw_job("one", 5, uid=uid, conditions=ended if uid == "second" else []))

    service = await front(answer)
    found = await service.api("GET", f"{job('default', 'one')}/wait?for={goal}")
    if goal == "delete":
        assert (found.status, found.json["status"]) == (200, "Success")
        return
    told = assert_is_status(found, 404, "NotFound")["message"]
    assert "was replaced by another of its name while it was waited for" in told
    assert "Complete" not in told


async def test_a_read_that_begins_a_wait_and_cannot_be_read_is_503(front: StartFront) -> None:
    async def answer(_: Received) -> bytes:
        return json_answer(200, raw_job("one", 5)[:-5])

    service = await front(answer)
    assert_is_status(await service.api("GET", f"{job('default', 'one')}/wait"), 503, "ServiceUnavailable")


async def test_what_upstream_says_to_a_read_that_begins_a_wait_is_relayed(front: StartFront) -> None:
    async def answer(request: Received) -> bytes | None:
        code = int(request.target.rpartition("-")[2])
        return json_answer(code, status(code, f"Reason{code}")) if code else None

    service: Front = await front(answer)

    async def wait(caller: Caller, code: int) -> Answer:
        return await caller("GET", f"{job('default', f'one-{code}')}/wait?for=delete")

    for code in (401, 0):
        assert_is_status(await wait(service.api, code), 503, "ServiceUnavailable")
    for code in (403, 429, 500):
        assert assert_is_status(await wait(service.api, code), code, f"Reason{code}")["message"] == "told by a test"


async def test_a_wait_that_upstream_leaves_without_any_answer_is_504_in_time(front: StartFront) -> None:
    async def never(_: Received) -> None:
        await asyncio.Event().wait()

    service = await front(never)
    late = await service.api("GET", f"{job('default', 'one')}/wait?timeoutSeconds=1")
    assert "did not answer in time" in assert_is_status(late, 504, "Timeout")["message"]
    await eventually(lambda: service.upstream.open_connections == 0)
