"""Consistent reads that callers share: as fresh as if each had its own, and nobody pays for another. Section 4."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
import pytest

from service.api import shared_reads
from service.cache import singleflight
from tests.cache.conftest import Front, StartFront
from tests.cache.jobs import status
from tests.callers import Answer, assert_is_status
from tests.contract.paths import direct_job, job
from tests.upstream import Received, http, json_answer
from tests.waiting import eventually

ONE = job("default", "one")


@dataclass(slots=True)
class Gated:
    """An upstream that answers each request when its gate opens, with the request's number."""

    gates: list[asyncio.Event] = field(default_factory=list)
    answers: dict[int, bytes | None] = field(default_factory=dict)

    async def answer(self, _: Received) -> bytes | None:
        number, gate = len(self.gates), asyncio.Event()
        self.gates.append(gate)
        await gate.wait()
        return self.answers.get(number, json_answer(200, b'{"number":%d}' % number))


def ask(front: Front, count: int, path: str = ONE) -> "list[asyncio.Task[Answer]]":
    return [asyncio.create_task(front.api("GET", path)) for _ in range(count)]


async def asked(
    front: Front, gated: Gated, count: int
) -> "tuple[asyncio.Task[Answer], list[asyncio.Task[Answer]]]":
    """Ask once, and many times while that is under way; return when all of them wait for the next read."""
    (first,) = ask(front, 1)
    await eventually(lambda: len(gated.gates) == 1)
    others = ask(front, count)
    await eventually(lambda: callers(front) == count)
    return first, others


async def opened(gated: Gated, number: int) -> None:
    """Wait for a request, and let it be answered."""
    await eventually(lambda: len(gated.gates) > number)
    gated.gates[number].set()


def callers(front: Front) -> int:
    return sum(shared.callers for shared in front.live.reads._next.values())


def is_forgotten(front: Front) -> bool:
    return not front.live.reads._next and not front.live.reads._under_way


async def left(*leaving: "asyncio.Task[Answer]") -> None:
    for each in leaving:
        each.cancel()
        with suppress(asyncio.CancelledError):
            await each


async def test_50_reads_while_one_is_under_way_are_one_more_which_begins_after_them(front: StartFront) -> None:
    gated = Gated()
    service = await front(gated.answer)
    first, others = await asked(service, gated, 50)
    gated.gates[0].set()
    assert (await first).json == {"number": 0}
    await eventually(lambda: len(gated.gates) == 2)
    # Who comes while the second is under way is not answered by it.
    late = ask(service, 3)
    await eventually(lambda: callers(service) == 3)
    gated.gates[1].set()
    assert {answer.body for answer in await asyncio.gather(*others)} == {b'{"number":1}'}
    await eventually(lambda: len(gated.gates) == 3)
    gated.gates[2].set()
    assert {answer.body for answer in await asyncio.gather(*late)} == {b'{"number":2}'}
    assert [each.target for each in service.upstream.received] == [direct_job("default", "one")] * 3
    assert is_forgotten(service)


async def test_what_the_answer_depends_on_is_not_shared(front: StartFront) -> None:
    gated = Gated()
    service = await front(gated.answer)
    different = [
        (ONE, {}),
        (ONE, {"Accept": "application/json"}),
        (ONE, {"Accept": "application/yaml"}),
        (ONE, {"Accept-Encoding": "gzip"}),
        (f"{ONE}?pretty=true", {}),
        (f"{ONE}?resourceVersion=", {}),
        (job("default", "two"), {}),
        (job("other", "one"), {}),
    ]
    reading = [asyncio.create_task(service.api("GET", path, headers=headers)) for path, headers in different]
    await eventually(lambda: len(gated.gates) == len(different))
    for gate in gated.gates:
        gate.set()
    numbers = [answer.json["number"] for answer in await asyncio.gather(*reading)]
    assert sorted(numbers) == list(range(len(different)))


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        (json_answer(404, status(404, "NotFound")), 404, "NotFound"),
        (json_answer(503, status(503, "ServiceUnavailable")), 503, "ServiceUnavailable"),
        (http(500, b"no Status"), 500, "InternalError"),
        (None, 503, "ServiceUnavailable"),
    ],
)
async def test_a_failure_reaches_all_who_share(
    front: StartFront, answer: bytes | None, code: int, reason: str
) -> None:
    gated = Gated(answers={1: answer})
    service = await front(gated.answer)
    first, others = await asked(service, gated, 5)
    gated.gates[0].set()
    await eventually(lambda: len(gated.gates) == 2)
    gated.gates[1].set()
    for each in await asyncio.gather(*others):
        assert_is_status(each, code, reason)
    assert (await first).status == 200
    assert len(service.upstream.received) == 2


async def test_an_answer_that_breaks_off_cuts_all_who_share(front: StartFront) -> None:
    cut = http(200, b"{}", {"Content-Length": "100"}, length=False)

    gated = Gated(answers={1: cut})
    service = await front(gated.answer, chunk_seconds=0.1)
    first, others = await asked(service, gated, 3)
    for number in range(2):
        await opened(gated, number)
    for outcome in await asyncio.gather(*others, return_exceptions=True):
        assert isinstance(outcome, aiohttp.ClientError)
    assert (await first).status == 200


async def test_an_answer_too_long_to_be_held_is_relayed_to_each(
    front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_reads, "_HELD_BYTES", 1000)
    long = json_answer(200, b'"' + b"x" * 2000 + b'"')

    async def answer(_: Received) -> bytes:
        return long

    service = await front(answer)
    for each in await asyncio.gather(*ask(service, 5)):
        assert (each.status, len(each.body)) == (200, 2002)


async def test_who_leaves_does_not_disturb_those_who_stay(front: StartFront) -> None:
    gated = Gated()
    service = await front(gated.answer)
    first, (leaving, *staying) = await asked(service, gated, 4)
    await left(leaving)
    await eventually(lambda: callers(service) == 3)
    # The one whose read is under way leaves, and the next begins.
    await left(first)
    await eventually(lambda: len(gated.gates) == 2)
    (leaving, *staying) = staying
    await left(leaving)
    gated.gates[1].set()
    assert [answer.json for answer in await asyncio.gather(*staying)] == [{"number": 1}] * 2
    await eventually(lambda: is_forgotten(service))


async def test_when_all_leave_the_connection_upstream_is_freed(front: StartFront) -> None:
    gated = Gated()
    service = await front(gated.answer)
    first, others = await asked(service, gated, 3)
    gated.gates[0].set()
    await first
    await eventually(lambda: len(gated.gates) == 2)
    await left(*others)
    await eventually(lambda: is_forgotten(service))
    await eventually(lambda: service.upstream.open_connections == 0)


async def test_a_read_that_nobody_waits_for_any_more_is_not_begun(front: StartFront) -> None:
    gated = Gated()
    service = await front(gated.answer)
    first, others = await asked(service, gated, 3)
    await left(*others)
    await eventually(lambda: callers(service) == 0)
    gated.gates[0].set()
    await first
    await eventually(lambda: is_forgotten(service))
    assert len(service.upstream.received) == 1


async def test_a_read_that_hangs_does_not_hold_up_those_who_come_later(
    front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(singleflight, "_PATIENCE_SECONDS", 0.05)
    gated = Gated()
    service = await front(gated.answer)
    hanging, others = await asked(service, gated, 3)
    for number in (1, 2):
        await opened(gated, number)
        assert {answer.json["number"] for answer in await asyncio.gather(*others)} == {number}
        assert not hanging.done()
        others = ask(service, 2)
    await left(hanging, *others)
