"""Watchers on real sockets, of a service whose cache a test changes itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from yarl import URL

from service.api import keys
from service.cache.job_cache import JobCache
from tests.cache.conftest import Front, StartFront
from tests.cache.jobs import a_job, bookmark
from tests.contract.paths import jobs
from tests.upstream import Received, http
from tests.waiting import WATCHDOG_SECONDS, eventually

TEAM, OTHERS = "team", "others"
BEGIN = 10
_LIST = http(200, headers={"Content-Type": "application/json"}, length=False)


async def quiet_upstream(_: Received) -> AsyncIterator[bytes]:
    """Answer a streaming list with no Job; then nothing happens, which is told ever again."""

    async def pieces() -> AsyncIterator[bytes]:
        yield _LIST + bookmark(BEGIN, ends=True)
        while True:
            await asyncio.sleep(0.05)
            yield bookmark(BEGIN)

    return pieces()


async def started(front: StartFront, **settings: Any) -> Front:
    """Start the service, with a cache that knows the beginning."""
    service = await front(quiet_upstream, cache=True, **settings)
    await eventually(lambda: cache_of(service).synced)
    return service


def cache_of(service: Front) -> JobCache:
    """Return the cache of all namespaces."""
    return service.live.scope_of(None).cache


def change(service: Front, version: int, namespace: str = TEAM, filling: int = 0) -> None:
    """Let a Job be added."""
    cache_of(service).change("ADDED", a_job(f"job-{version}", version, namespace=namespace, filling=filling))


def attending(service: Front) -> list[int]:
    """Return how many members each audience has."""
    return sorted(len(each._members) for each in service.app[keys.AUDIENCES]._audiences.values())


async def attended(service: Front, *counts: int) -> None:
    """Wait until there are audiences of that many members, and no others."""
    await eventually(lambda: attending(service) == sorted(counts))


@dataclass(slots=True)
class RawWatch:
    """A watch as the bytes that come.

    Attributes:
        head: the answer's head.
        received: what has come after it.
    """

    head: bytes
    _reader: asyncio.StreamReader
    received: bytearray = field(default_factory=bytearray)

    async def until(self, text: bytes) -> None:
        """Read until a text has come."""
        async with asyncio.timeout(WATCHDOG_SECONDS):
            while text not in self.received:
                block = await self._reader.read(65536)
                assert block, "the stream has ended"
                self.received += block

    async def to_the_end(self) -> bytes:
        """Read until the service closes the connection, and return the body, which has to be whole."""
        async with asyncio.timeout(WATCHDOG_SECONDS):
            self.received += await self._reader.read()
        if b"\r\ntransfer-encoding: chunked" not in self.head.lower():
            return bytes(self.received)
        return _joined(bytes(self.received))


@asynccontextmanager
async def raw_watch(
    service: Front,
    query: str = "",
    *,
    since: int = BEGIN,
    version: str = "1.1",
    accept: str = "application/json",
    headers: str = "",
) -> AsyncIterator[RawWatch]:
    """Watch the team's Jobs from a moment on, and hang up in the end."""
    url = URL(service.api.url)
    path = f"{jobs(TEAM)}?watch=true&resourceVersion={since}&{query}"
    head = f"GET {path} HTTP/{version}\r\nHost: localhost\r\nAccept: {accept}\r\nConnection: close\r\n{headers}\r\n"
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(head.encode())
        async with asyncio.timeout(WATCHDOG_SECONDS):
            yield RawWatch(await reader.readuntil(b"\r\n\r\n"), reader)
    finally:
        writer.close()
        await writer.wait_closed()


def _joined(rest: bytes) -> bytes:
    """Join the chunks of a body, each of which has to be as long as it says: RFC 9112, section 7.1."""
    chunks = []
    while True:
        size, end, rest = rest.partition(b"\r\n")
        assert end, "there is no last chunk"
        length = int(size, 16)
        assert rest[length : length + 2] == b"\r\n", size
        chunks.append(rest[:length])
        rest = rest[length + 2 :]
        if not length:
            assert not rest
            return b"".join(chunks)
