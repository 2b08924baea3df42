"""Logs where upstream does what a healthy apiserver seldom does."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from yarl import URL

from tests.api.logging_pods import (
    COMPLETE,
    ENDED,
    RUNNING,
    STREAM,
    LoggingPod,
    broken,
    lasting,
    line,
    refusal,
    text,
)
from tests.cache.conftest import StartFront
from tests.cache.jobs import status
from tests.callers import assert_is_status, raw_exchange
from tests.contract.paths import job
from tests.waiting import eventually

LOG = f"{job('default', 'one')}/log"
PLAIN = f"{LOG}?follow=true&prefix=false"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again as soon as a test's faults come."""
    monkeypatch.setattr("service.logs.followed_container._SHORTEST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("service.logs.followed_container._LONGEST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr("service.api.observed_jobs._PAUSE_SECONDS", 0.01)


@pytest.mark.parametrize("query", ["", "?pod=one-x", "?prefix=false"])
async def test_a_log_that_breaks_off_cuts_the_callers_connection(front: StartFront, query: str) -> None:
    service = await front(LoggingPod(lambda _: broken(b"a\nb\n")).answer)
    with pytest.raises(aiohttp.ClientError):
        await service.api("GET", LOG + query)


async def test_a_log_after_the_first_that_cannot_be_asked_for_cuts_the_callers_connection(
    front: StartFront,
) -> None:
    pods = LoggingPod(lambda asked: text(b"a\n") if asked["pod"] == "one-x" else None)
    pods.pods = {"one-x": RUNNING, "one-y": RUNNING}
    service = await front(pods.answer)
    with pytest.raises(aiohttp.ClientError):
        await service.api("GET", LOG)
    assert [each["pod"] for each in pods.asked] == ["one-x", "one-y"]


async def test_an_apiserver_that_does_not_answer_is_503(front: StartFront) -> None:
    pods = LoggingPod(lambda _: None)
    service = await front(pods.answer)
    for query in ("", "?pod=one-x"):
        assert_is_status(await service.api("GET", LOG + query), 503, "ServiceUnavailable")


@pytest.mark.parametrize("code", [401, 403])
async def test_who_may_not_read_the_log_is_told_so_at_once(front: StartFront, code: int) -> None:
    service = await front(LoggingPod(lambda _: refusal(code)).answer, auth_mode="passthrough")
    for query in ("", "?pod=one-x", "?follow=true", "?follow=true&pod=one-x"):
        answer = await service.api("GET", LOG + query, headers={"Authorization": "Bearer ann"})
        assert (answer.status, answer.body) == (code, status(code))


async def test_who_may_no_longer_read_a_log_is_told_so_in_the_last_line(front: StartFront) -> None:
    pods = LoggingPod(lambda asked: refusal(403) if asked["pod"] == "one-y" else lasting(line(1, "a")))
    service = await front(pods.answer, auth_mode="passthrough")
    url = URL(service.api.url + PLAIN, encoded=True)
    async with service.api.session.get(url, headers={"Authorization": "Bearer ann"}) as response:
        assert await response.content.readline() == b"a\n"
        pods.change("one-y", RUNNING)
        assert await response.read() == b"[job/one] -- told by a test\n"


async def test_who_may_read_the_job_but_not_watch_it_can_follow(front: StartFront) -> None:
    pods = LoggingPod(lambda _: text(line(1, "a")))
    pods.watch_jobs = refusal(403)
    service = await front(pods.answer, auth_mode="passthrough")
    following = asyncio.create_task(service.api("GET", PLAIN, headers={"Authorization": "Bearer ann"}))
    await eventually(lambda: pods.reads > 2 and pods.asked)
    assert not following.done()
    pods.log = lambda _: text(line(1, "a") + line(2, "b"))
    pods.pods["one-x"] = ENDED
    pods.conditions.append(COMPLETE)
    assert (await following).body == b"a\nb\n"


async def test_a_container_that_is_silent_is_not_asked_for_its_log_again_and_again(front: StartFront) -> None:
    """The kubelet sends not even headers before there is something to send."""

    async def late(_: dict[str, str]) -> AsyncIterator[bytes]:
        await asyncio.sleep(0.5)
        yield STREAM + line(1, "a")
        await asyncio.Event().wait()

    pods = LoggingPod(late)
    service = await front(pods.answer, upstream_first_byte_seconds=0.1)
    url = URL(service.api.url + PLAIN, encoded=True)
    async with service.api.session.get(url) as response:
        assert await response.content.readline() == b"a\n"
    assert len(pods.asked) == 1


async def test_a_kubelet_that_is_away_is_asked_again(front: StartFront) -> None:
    whole = line(1, "a") + line(1, "b")
    answers: Iterator[bytes | AsyncIterator[bytes]] = iter([refusal(500), refusal(503), broken(whole), text(whole)])
    pods = LoggingPod(lambda _: next(answers), [COMPLETE], {"one-x": ENDED})
    service = await front(pods.answer)
    assert (await service.api("GET", PLAIN)).body == b"a\nb\n"


async def test_a_kubelet_that_stays_away_is_named_in_the_end(front: StartFront) -> None:
    pods = LoggingPod(lambda asked: text(b"") if asked["pod"] == "one-x" else refusal(500), [COMPLETE])
    pods.pods = {"one-x": ENDED, "one-y": ENDED}
    service = await front(pods.answer)
    assert (await service.api("GET", PLAIN)).body == b"[pod/one-y/main] -- told by a test\n"
    assert len([each for each in pods.asked if each["pod"] == "one-y"]) == 5


async def test_lines_that_are_cut_off_come_once_more_from_the_last_one_on(front: StartFront) -> None:
    """All within a second, and of one time, as CRI-O has them."""
    everything = [line(1, str(number)) for number in range(9)]

    def log(asked: dict[str, str]) -> bytes | AsyncIterator[bytes]:
        cut = len(pods.asked) * 3
        return text(b"".join(everything)) if cut > 9 else broken(b"".join(everything[:cut]) + everything[0][:20])

    pods = LoggingPod(log, [COMPLETE], {"one-x": ENDED})
    service = await front(pods.answer)
    assert (await service.api("GET", PLAIN)).body.split() == [b"%d" % number for number in range(9)]
    assert {each.get("sinceTime") for each in pods.asked} == {None, "2026-01-01T00:00:01.500000000Z"}


async def test_a_log_that_came_to_its_end_before_its_container_was_removed_is_whole(front: StartFront) -> None:
    """The kubelet that removes a container of a deleted pod complains of its absence, until the pod is gone too."""
    complaint = b"unable to retrieve container logs for containerd://56680a75"

    def log(asked: dict[str, str]) -> bytes:
        pods.change("one-x", ENDED)
        return (text(line(1, "a")), text(complaint), refusal(404))[min(len(pods.asked), 3) - 1]

    pods = LoggingPod(log)
    service = await front(pods.answer)
    assert (await service.api("GET", f"{PLAIN}&pod=one-x")).body == b"a\n"
    assert len(pods.asked) >= 3


async def test_what_was_missed_of_a_run_is_asked_for_after_the_next_has_begun(front: StartFront) -> None:
    first, second = line(1, "a") + line(2, "b"), line(3, "c")

    def log(asked: dict[str, str]) -> bytes | AsyncIterator[bytes]:
        if "previous" in asked:
            return text(first)
        if "restartCount" in pods.pods["one-x"]:
            return text(second)
        pods.change("one-x", {**ENDED, "restartCount": 1})
        pods.conditions.append(COMPLETE)
        return broken(line(1, "a"))

    pods = LoggingPod(log)
    pods.watch_jobs = refusal(403)
    service = await front(pods.answer, auth_mode="passthrough")
    answer = await service.api("GET", PLAIN, headers={"Authorization": "Bearer ann"})
    assert answer.body == b"a\nb\nc\n"


async def test_a_tail_is_of_what_was_there_when_following_began(front: StartFront) -> None:
    pods = LoggingPod(lambda _: text(line(1, "a") + line(2, "b")), pods={})
    pods.watch_jobs = refusal(403)
    service = await front(pods.answer, auth_mode="passthrough")
    headers = {"Authorization": "Bearer ann"}
    following = asyncio.create_task(service.api("GET", f"{PLAIN}&tailLines=1&sinceSeconds=1", headers=headers))
    await eventually(lambda: pods.reads > 2)
    # No watch tells of it: it came and went while the watch was away.
    pods.pods["one-x"] = ENDED
    pods.conditions.append(COMPLETE)
    assert (await following).body == b"a\nb\n"
    assert not any("tailLines" in each or "sinceSeconds" in each for each in pods.asked)


@pytest.mark.parametrize(("query", "watches"), [("", 0), ("?follow=true", 3)])
async def test_a_caller_who_reads_nothing_is_cut_off_and_upstream_freed(
    front: StartFront, query: str, watches: int
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield STREAM
        while True:
            yield line(1, "x" * 100) * 1000

    pods = LoggingPod(lambda _: endless())
    service = await front(pods.answer, chunk_seconds=0.3)
    address = URL(service.api.url)
    reader, writer = await asyncio.open_connection(address.host, address.port, limit=1024)
    try:
        writer.write(f"GET {LOG}{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await reader.readline()
        # Upstream does not notice the end of what it says nothing on: the watches, and the kept connection.
        await eventually(lambda: service.upstream.open_connections == watches + 1)
        await eventually(lambda: service.upstream.open_connections == watches)
    finally:
        writer.transport.abort()


async def test_a_log_of_nothing_is_nothing(front: StartFront) -> None:
    pods = LoggingPod(lambda _: text(b""), [COMPLETE], {"one-x": ENDED})
    service = await front(pods.answer)
    for query in ("", "?pod=one-x", "?follow=true"):
        answer = await service.api("GET", LOG + query)
        assert (answer.status, answer.body) == (200, b"")
    head = await raw_exchange(
        service.api.url, f"HEAD {LOG}?follow=true HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    )
    assert head.startswith(b"HTTP/1.1 200 ")
    assert head.endswith(b"\r\n\r\n")
