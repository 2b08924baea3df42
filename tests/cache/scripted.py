"""An upstream that follows a script: each request has its turn, and the last turn lasts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

from service.cache.job_cache import JobCache
from service.cache.reflector import Reflector
from service.kube.client import KubeClient
from service.kube.credentials import anonymous
from service.metrics import Metrics
from service.resources import JOBS
from service.settings import default_settings
from tests.upstream import Received, Upstream, http, json_answer

# The bytes of an answer, the pieces of one, or nothing: then the connection is dropped.
Turn: TypeAlias = bytes | Callable[[], AsyncIterator[bytes]] | None

PLENTY = 1_000_000
SILENCE_SECONDS = 30.0
_STREAM = http(200, headers={"Content-Type": "application/json"}, length=False)
_CHUNKED = http(200, headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"}, length=False)


def watch(*lines: bytes, lasts: bool = False, cut: bool = False) -> Turn:
    """Return a watch that tells some lines, and then ends, lasts in silence, or is cut."""

    async def pieces() -> AsyncIterator[bytes]:
        yield _CHUNKED if cut else _STREAM
        for line in lines:
            yield b"%x\r\n%s\r\n" % (len(line), line) if cut else line
        if lasts:
            await asyncio.Event().wait()

    return pieces


def refused(code: int, body: bytes) -> Turn:
    """Return an answer that is a Status."""
    return json_answer(code, body)


class Script:
    """What an upstream answers, one turn after the other.

    Attributes:
        queries: the parameters of every request, in order.
    """

    def __init__(self, *turns: Turn) -> None:
        self._turns = list(turns)
        self.queries: list[dict[str, str]] = []

    async def answer(self, request: Received) -> bytes | AsyncIterator[bytes] | None:
        """Take the next turn; after the last nothing more is answered."""
        self.queries.append({name: each[0] for name, each in parse_qs(urlsplit(request.target).query).items()})
        if not self._turns:
            await asyncio.Event().wait()
        turn = self._turns.pop(0)
        return turn() if callable(turn) else turn


@asynccontextmanager
async def client_of(script: Script) -> AsyncIterator[tuple[KubeClient, Upstream]]:
    """Run an upstream with a script, and return a client of it."""
    async with Upstream(script.answer) as upstream:
        source = anonymous(upstream.url)
        client = KubeClient(source, default_settings(), Metrics())
        try:
            yield client, upstream
        finally:
            await client.close()
            await source.close()


@dataclass(frozen=True, slots=True)
class Reflected:
    """A cache that is kept true to a script."""

    cache: JobCache
    queries: list[dict[str, str]]
    upstream: Upstream

    @property
    def versions(self) -> dict[str, int]:
        """The resourceVersion of each Job that the cache has, by name."""
        namespaces = self.cache.store._namespaces.values()
        return {job.name: job.resource_version for jobs in namespaces for job in jobs.values()}


@asynccontextmanager
async def reflecting(*turns: Turn, silence_seconds: float = SILENCE_SECONDS) -> AsyncIterator[Reflected]:
    """Let a reflector follow a script."""
    script, cache = Script(*turns), JobCache(PLENTY, PLENTY, 60.0)
    async with client_of(script) as (client, upstream):
        running = asyncio.create_task(Reflector(client, JOBS.path(), cache, silence_seconds).run())
        try:
            yield Reflected(cache, script.queries, upstream)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
