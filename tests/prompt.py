"""Reads that are answered past the routes: what they are asked of, how they are asked, and a way to tell them."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from service.api import guard
from service.api.prompt_calls import LaterReply, PromptCalls, Reply
from tests.cache.conftest import Front
from tests.cache.jobs import bookmark, event, raw_job, status
from tests.callers import Answer
from tests.contract.paths import job
from tests.upstream import Answer as Answering
from tests.upstream import Received, http, json_answer
from tests.waiting import WATCHDOG_SECONDS, eventually

ONE = job("default", "one")
CACHED = f"{ONE}?resourceVersion=0"
# What differs between any two answers; the rest of them is compared.
_VOLATILE = {"date", "x-request-id", "audit-id", "age"}


@dataclass(slots=True)
class Ways:
    """Which way the reads of one Job went.

    Attributes:
        prompt: how many were answered past the routes.
        routed: how many the routes were asked.
        closed: lets all of them go through the routes.
    """

    prompt: int = 0
    routed: int = 0
    closed: bool = False

    @property
    def gone(self) -> tuple[int, int]:
        """Both."""
        return self.prompt, self.routed


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Ways:
    """Return what counts the reads of all services of a test."""
    counted, answer, authorize = Ways(), PromptCalls.answer, guard.authorize

    async def later(reply: Coroutine[Any, Any, Reply | None]) -> Reply | None:
        if (told := await reply) is not None:
            counted.prompt += 1
        return told

    def answering(self: PromptCalls, message: RawRequestMessage, body: StreamReader) -> Reply | LaterReply | None:
        told = None if counted.closed else answer(self, message, body)
        if told is None or isinstance(told, Reply):
            counted.prompt += told is not None
            return told
        return later(told)

    async def authorizing(request: web.Request, *about: Any) -> None:
        counted.routed += 1
        await authorize(request, *about)

    monkeypatch.setattr(PromptCalls, "answer", answering)
    monkeypatch.setattr(guard, "authorize", authorizing)
    return counted


@dataclass(slots=True)
class Apiserver:
    """Has some Jobs of the namespace default, of which it tells what lists and watches.

    Attributes:
        jobs: their bytes, by name.
        gate: lets the answers to reads out; open at first.
        arrived: the reads that arrived whole, in order.
        instead: answers reads in its place.
    """

    jobs: dict[str, bytes] = field(default_factory=lambda: {"one": raw_job("one", 5)})
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: list[Received] = field(default_factory=list)
    instead: Answering | None = None
    _changes: list[bytes] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def tell(self, type_: str, raw: bytes) -> None:
        """Tell those who watch of a change."""
        self._changes.append(event(type_, raw))
        self._changed.set()

    async def answer(self, request: Received) -> bytes | AsyncIterator[bytes] | None:
        if "watch=" in request.target:
            return self._watch()
        self.arrived.append(request)
        await self.gate.wait()
        if self.instead is not None:
            return await self.instead(request)
        raw = self.jobs.get(request.target.partition("?")[0].rpartition("/")[2])
        return json_answer(404, status(404, "NotFound")) if raw is None else json_answer(200, raw)

    async def _watch(self) -> AsyncIterator[bytes]:
        yield http(200, headers={"Content-Type": "application/json"}, length=False)
        for raw in self.jobs.values():
            yield event("ADDED", raw)
        yield bookmark(5, ends=True)
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._changes:
                yield self._changes.pop(0)


def plain(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return what two answers to the same have in common."""
    headers = sorted((name, value) for name, value in answer.headers.items() if name.lower() not in _VOLATILE)
    return answer.status, headers, answer.body


async def synced(front: Front) -> None:
    """Wait until the cache may answer."""
    await eventually(lambda: front.live.is_synced(None))


async def learn(front: Front, *paths: str, headers: Mapping[str, str] | None = None) -> None:
    """Let reads become known to the service, with these headers and no others."""
    async with connected(front.api.url) as connection:
        for path in paths:
            assert (await connection.ask(path, headers)).status == 200


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of a caller, who writes bytes and reads answers."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> None:
        """Send a request without a body."""
        self.writer.write(head(path, headers, method=method))

    async def ask(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a GET, and return its answer."""
        self.send(path, headers)
        return await self.answer()

    async def answer(self) -> Answer:
        """Return the next answer, whole."""
        line, *fields = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = CIMultiDict[str]()
        for each in fields:
            name, _, value = each.partition(": ")
            headers.add(name, value)
        assert "Transfer-Encoding" not in headers, headers
        body = await self.reader.readexactly(int(headers.get("Content-Length", "0")))
        return Answer(int(line.split()[1]), CIMultiDictProxy(headers), body)


def head(path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> bytes:
    """Return a request without a body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *[f"{n}: {v}" for n, v in (headers or {}).items()]]
    return "\r\n".join([*lines, "", ""]).encode()


@asynccontextmanager
async def connected(service_url: str) -> AsyncIterator[Connection]:
    """Connect, under a watchdog, and hang up in the end."""
    url = URL(service_url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        async with asyncio.timeout(WATCHDOG_SECONDS):
            yield Connection(reader, writer)
    finally:
        writer.close()
        # The service may have been the first to close, and have left bytes unread.
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
