"""How long a caller may take for a request's head, its body, and between two requests; how much of it is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.callers import Caller, status_line
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs, job, jobs
from tests.contract.served import Served, serving
from tests.waiting import WATCHDOG_SECONDS

GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Whatever has this for its deadline never meets it.
NEVER = 3600.0
SOON = 0.4


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(URL(url).host, URL(url).port)
    try:
        async with asyncio.timeout(WATCHDOG_SECONDS):
            yield reader, writer
    finally:
        writer.close()
        # The server may have been the first to close, and have left bytes of ours unread.
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


@asynccontextmanager
async def trickling(writer: asyncio.StreamWriter, piece: bytes) -> AsyncIterator[None]:
    async def trickle() -> None:
        while True:
            writer.write(piece)
            await asyncio.sleep(SOON / 10)

    task = asyncio.create_task(trickle())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def quick(backend: Backend, tmp_path: Path, http_client: aiohttp.ClientSession) -> AsyncIterator[Served]:
    """Return the service with short deadlines for heads and bodies, and none for what is between requests."""
    given = {"head_seconds": SOON, "body_seconds": SOON, "idle_seconds": NEVER, "chunk_seconds": NEVER}
    async with serving(backend, tmp_path, http_client, cache=False, **given) as served:
        yield served


async def test_a_connection_that_never_sends_a_byte_is_closed_without_a_word(quick: Served) -> None:
    async with connected(quick.api.url) as (reader, _):
        assert await reader.read() == b""


@pytest.mark.parametrize("before", [b"", GET], ids=["the first", "a later one"])
async def test_a_head_that_does_not_come_whole_is_408_and_the_end(quick: Served, before: bytes) -> None:
    async with connected(quick.api.url) as (reader, writer):
        if before:
            writer.write(before)
            assert (await reader.readuntil(b"\r\n\r\nok")).startswith(b"HTTP/1.1 200 ")
        writer.write(b"GET /livez HTTP/1.1\r\nHos")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert b" 408 " in head.splitlines()[0]
        assert b"connection: close" in head.lower() or head.startswith(b"HTTP/1.0 ")
        assert b"x-request-id: " in head.lower()
        assert b'"code":408' in body
        assert f"did not come within {SOON:g} s".encode() in body


async def test_bytes_now_and_then_do_not_prolong_the_time_for_a_head(quick: Served) -> None:
    async with connected(quick.api.url) as (reader, writer):
        writer.write(b"GET /")
        async with trickling(writer, b"x"):
            assert b" 408 " in await reader.readline()


@pytest.mark.parametrize("coding", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
async def test_bytes_now_and_then_do_not_prolong_the_time_for_a_body(quick: Served, coding: bytes) -> None:
    async with connected(quick.api.url) as (reader, writer):
        writer.write(b"POST %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n" % (jobs("a").encode(), coding))

        async with trickling(writer, b"1\r\nx\r\n"):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 408 ")
            assert b"Connection: close" in head
            assert f"the body did not come whole within {SOON:g} s".encode() in await reader.readline()


async def test_a_request_in_time_is_answered_however_long_that_takes(
    quick: Served, direct: Caller, namespace: str
) -> None:
    await direct("POST", direct_jobs(namespace), suspended("kept"), {"Content-Type": "application/yaml"})
    path = job(namespace, "kept")
    async with connected(quick.api.url) as (reader, writer):
        writer.write(f"GET {path}/wait?for=delete HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await asyncio.sleep(2 * SOON)
        await direct("DELETE", direct_job(namespace, "kept"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")


async def test_a_connection_without_a_next_request_is_closed(
    backend: Backend, tmp_path: Path, http_client: aiohttp.ClientSession
) -> None:
    async with (
        serving(backend, tmp_path, http_client, cache=False, idle_seconds=SOON) as served,
        connected(served.api.url) as (reader, writer),
    ):
        writer.write(GET)
        answer = await reader.read()
        assert answer.endswith(b"\r\n\r\nok")
        assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("is_read", [True, False], ids=["read", "not read"])
async def test_a_body_whose_chunks_are_broken_ends_its_request_and_its_connection_and_is_no_error_of_ours(
    api: Caller, caplog: pytest.LogCaptureFixture, is_read: bool
) -> None:
    method, path = ("POST", jobs("a")) if is_read else ("GET", "/livez")
    async with connected(api.url) as (reader, writer):
        headers = "Host: localhost\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(f"{method} {path} HTTP/1.1\r\n{headers}".encode())
        await reader.readuntil(b" 100 Continue\r\n\r\n" if is_read else b"\r\n\r\nok")
        writer.write(b"5\r\nhello\r\n")
        writer.write(b"no length\r\n" + GET)
        answer = await reader.read()
    assert answer.count(b"X-Request-Id: ") == (1 if is_read else 0), "what comes after it is no request"
    assert answer.startswith(b"HTTP/1.1 400 " if is_read else b"")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_head_that_is_never_too_long_in_one_place_but_in_all_is_431(api: Caller) -> None:
    async with connected(api.url) as (reader, writer):
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
        for _ in range(20):
            writer.write(b"X: " + b"x" * 30_000 + b"\r\n")
        assert b" 431 " in await reader.readline()


@pytest.mark.parametrize("codings", [["gzip"], ["identity", "br"], ["identity, deflate"], [""]])
async def test_a_request_with_a_coding_is_415(api: Caller, codings: list[str]) -> None:
    headers = "".join(f"Content-Encoding: {coding}\r\n" for coding in codings)
    for method, path in (("POST", jobs("a")), ("DELETE", job("a", "b")), ("GET", jobs("a"))):
        answer = await status_line(
            api.url, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()
        )
        assert answer.startswith(b"HTTP/1.1 415 "), (method, answer)
