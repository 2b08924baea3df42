"""How a test calls: paths travel as written, answers come back as the bytes that they are."""

import asyncio
import io
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from multidict import CIMultiDictProxy
from yarl import URL


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, whole."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which is JSON."""
        return msgspec.json.decode(self.body)


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls one server.

    Attributes:
        session: the connections.
        url: the server's URL without a trailing slash.
        headers: what goes with each call.
        tls: how the server is trusted.
    """

    session: aiohttp.ClientSession
    url: str
    headers: Mapping[str, str]
    tls: ssl.SSLContext | bool = False

    async def __call__(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request and return its whole answer."""
        async with self.session.request(
            method,
            URL(self.url + path, encoded=True),
            data=None if body is None else aiohttp.BytesIOPayload(io.BytesIO(body)),
            headers={**self.headers, **(headers or {})},
            ssl=self.tls,
            allow_redirects=False,
        ) as response:
            return Answer(response.status, response.headers, await response.read())


async def raw_exchange(url: str, request: bytes, timeout: float = 60.0) -> bytes:  # noqa: ASYNC109 (a watchdog)
    """Send bytes as they are, and return everything that comes until the server closes the connection."""
    address = URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        async with asyncio.timeout(timeout):
            writer.write(request)
            await writer.drain()
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def status_line(url: str, request: bytes) -> bytes:
    """Send bytes as they are, and return the first line of the answer; then hang up."""
    address = URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        async with asyncio.timeout(60.0):
            writer.write(request)
            return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


def assert_is_status(answer: Answer, code: int, reason: str) -> dict[str, Any]:
    """Check the one shape that every error has, and return the Status."""
    assert answer.status == code, answer
    assert answer.headers["Content-Type"].partition(";")[0] == "application/json", answer
    status: dict[str, Any] = answer.json
    assert status["kind"] == "Status", status
    assert status["apiVersion"] == "v1", status
    assert status["metadata"] == {}, status
    assert status["status"] == "Failure", status
    assert status["message"], status
    assert status["reason"] == reason, status
    assert status["code"] == code, status
    return status
