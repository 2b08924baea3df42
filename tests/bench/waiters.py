"""Many who wait for one Job: a connection each, on which nothing happens until the answer comes."""

import asyncio
import time
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from .candidates import Candidate
from .http_json import AnswerError

SECONDS = 60.0
# Enough to be quick, and fewer than a listening socket usually lets wait.
OPENED_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Answered:
    """What a waiter got, and at which moment of the monotonic clock it was whole."""

    head: str
    body: str
    at: float


class Waiters:
    """So many GETs of one path, for an `async with` block, whose end closes what is still open."""

    def __init__(self, candidate: Candidate, path: str, count: int) -> None:
        address = urlsplit(candidate.url)
        self._host, self._port = address.hostname or "", address.port or 80
        lines = [f"GET {path} HTTP/1.1", f"Host: {address.netloc}", "Connection: close"]
        if candidate.authorization:
            lines.append(f"Authorization: {candidate.authorization}")
        self._request = "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
        self._waiters = [_Waiter(self._request) for _ in range(count)]

    async def __aenter__(self) -> Self:
        turns = asyncio.Semaphore(OPENED_AT_ONCE)

        async def open_one(waiter: _Waiter) -> None:
            async with turns:
                await asyncio.get_running_loop().create_connection(lambda: waiter, self._host, self._port)

        try:
            await asyncio.gather(*map(open_one, self._waiters))
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close()
        await asyncio.sleep(0)

    async def answers(self) -> list[Answered]:
        """Return what each of them was answered, once all were.

        Raises:
            AnswerError: somebody still waits.
        """
        try:
            async with asyncio.timeout(SECONDS):
                return [await waiter.answer for waiter in self._waiters]
        except TimeoutError:
            waiting = sum(not waiter.answer.done() for waiter in self._waiters)
            raise AnswerError(f"{waiting} of {len(self._waiters)} still wait after {SECONDS:.0f} s") from None

    @property
    def answered(self) -> int:
        """How many have an answer."""
        return sum(waiter.answer.done() for waiter in self._waiters)

    def _close(self) -> None:
        for waiter in self._waiters:
            waiter.close()


class _Waiter(asyncio.Protocol):
    def __init__(self, request: bytes) -> None:
        self.answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._request = request
        self._received = bytearray()
        self._at = 0.0
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._at = time.monotonic()
        self._received += data

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answer.done():
            head, _, body = self._received.decode().partition("\r\n\r\n")
            self.answer.set_result(Answered(head, body, self._at))

    def close(self) -> None:
        self.answer.cancel()
        if self._transport is not None:
            self._transport.close()
