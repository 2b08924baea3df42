"""What the loads are told, and what is made of what they say: a wrong answer is never a figure."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest

from tests.bench import jobs
from tests.bench.asking import warm_up
from tests.bench.candidates import RAW, RAW_LOG, Candidate
from tests.bench.http_json import AnswerError
from tests.bench.waiters import Answered, Waiters
from tests.bench.waits import is_right, latencies
from tests.bench.wrk import NAME, Load, LoadError, figures_of, variables

CANDIDATE = Candidate("service", "http://127.0.0.1:1", 1, RAW, "/name/", RAW_LOG, "Bearer token")
FOUND = {"seconds": 2.0, "requests": 100, "bytes": 4_000_000, "p50_ms": 1, "p99_ms": 2, "max_ms": 3, "errors": 0}


def test_figures_are_those_of_the_last_line() -> None:
    found = figures_of(f"Running 2s test\n{json.dumps(FOUND)}\n")
    assert (found["per_second"], found["mb_per_second"], found["p99_ms"]) == (50, 2, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"errors": 3}, "3 of 100 answers were no success"), ({"requests": 0}, "not one answer within 2 s")],
)
def test_a_load_that_was_not_answered_well_has_no_figures(change: dict[str, float], message: str) -> None:
    with pytest.raises(LoadError, match=message):
        figures_of(json.dumps(FOUND | change))


def test_credentials_are_told_in_the_environment() -> None:
    assert variables(CANDIDATE, Load("/", 1)) == {"WRK_AUTHORIZATION": "Bearer token"}


def test_distinct_jobs_are_those_that_were_made() -> None:
    load = Load(CANDIDATE.job_path("ns", jobs.NAME_PATTERN), 1, jobs=3)
    told = variables(CANDIDATE, load)
    paths = [told["WRK_PATTERN"] % number for number in range(int(told["WRK_COUNT"]))]
    assert paths == [CANDIDATE.job_path("ns", jobs.job_name(number)) for number in range(3)]


def test_a_manifest_gets_another_name_in_each_run() -> None:
    first, second = (variables(CANDIDATE, Load("/", 1, manifest=f"name: {NAME}\n")) for _ in range(2))
    assert first["WRK_BEFORE_NAME"] + first["WRK_AFTER_NAME"] == "name: \n"
    assert first["WRK_NAME"] != second["WRK_NAME"]


def test_percentiles_are_in_milliseconds() -> None:
    found = latencies([number / 1000 for number in range(101)])
    assert found == {"p50_ms": pytest.approx(50), "p99_ms": pytest.approx(99), "max_ms": 100}


@pytest.mark.parametrize(
    ("head", "job", "right"),
    [
        ("HTTP/1.1 200 OK", {"status": "there"}, True),
        ("HTTP/1.1 200 OK", {"status": "before"}, False),
        ("HTTP/1.1 504 Gateway Timeout", {"status": "there"}, False),
    ],
)
def test_an_answer_to_a_wait_is_right_when_it_is_the_job_as_it_is_then(
    head: str, job: dict[str, Any], right: bool
) -> None:
    assert is_right(Answered(head, json.dumps(job), 1.0), {"status": "there"}) == right


class Server:
    """Answers every request with its path, once it may."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.status = "200 OK"
        self.asked: list[str] = []
        self._server: asyncio.Server
        self._serving: set[asyncio.Task[None] | None] = set()

    async def __aenter__(self) -> Candidate:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        return Candidate("service", f"http://{host}:{port}", 1, authorization="Bearer token")

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()
        await asyncio.gather(*(each for each in self._serving if each))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError):  # the caller has left
            while b"Connection: close" not in await self._answer(reader, writer):
                pass
        writer.close()
        await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split()[1]
        self.asked.append(path.decode())
        await self.may_answer.wait()
        status = self.status if b"Authorization: Bearer token\r\n" in head else "401 Unauthorized"
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(path), path))
        await writer.drain()
        return head


async def test_each_waiter_has_its_answer_when_it_comes() -> None:
    server = Server()
    async with server as candidate, Waiters(candidate, "/wait", 40) as waiters:
        assert waiters.answered == 0
        server.may_answer.set()
        answers = await waiters.answers()
        assert {(answer.head, answer.body) for answer in answers} == {
            ("HTTP/1.1 200 OK\r\nContent-Length: 5", "/wait")
        }
        assert waiters.answered == len(answers) == 40


async def test_a_warm_up_asks_each_path_once() -> None:
    server = Server()
    server.may_answer.set()
    async with server as candidate:
        paths = [f"/{number}" for number in range(10)]
        await asyncio.to_thread(warm_up, candidate, 4, paths)
        assert sorted(server.asked) == sorted(paths)


async def test_a_warm_up_that_is_refused_is_told() -> None:
    server = Server()
    server.may_answer.set()
    server.status = "503 Service Unavailable"
    async with server as candidate:
        with pytest.raises(AnswerError, match="GET /0: 503"):
            await asyncio.to_thread(warm_up, candidate, 2, ["/0", "/1"])
