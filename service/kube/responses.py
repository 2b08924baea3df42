"""An answer of the apiserver whose body is still on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self

import aiohttp
from multidict import CIMultiDictProxy

from service.body_chunks import next_chunk
from service.kube.exchange import Exchange, abandon


class UpstreamBroken(Exception):
    """The apiserver's answer broke off, or fell silent, after its headers."""


class UpstreamResponse:
    """An answer of the apiserver: its headers are here, its body is not. Leaving the context frees it.

    Attributes:
        status: the HTTP status code.
        headers: the answer's headers, of which several may bear one name.
        length: the body's length in bytes as announced, None where it was not.
    """

    def __init__(
        self,
        answer: Exchange,
        chunk_seconds: float,
        closing: set[asyncio.Future[None]],
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self._connection, self._content = answer.connection, answer.content
        self._on_close = on_close
        self._chunk_seconds = chunk_seconds
        self._closing = closing
        self.status: int = answer.status
        self.headers: CIMultiDictProxy[str] = answer.headers
        length = answer.headers.get("Content-Length")
        self.length = None if length is None else int(length)
        self._peeked: list[bytes] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the connection: for the next request if the body was read to its end, else by closing it."""
        if self._on_close is not None:
            self._on_close()
            self._on_close = None
        if self._content.is_eof():
            self._connection.release()
            return
        protocol = self._connection.protocol
        if protocol is not None and (closed := protocol.closed) is not None:
            self._closing.add(closed)
            closed.add_done_callback(self._closing.discard)
        abandon(self._connection)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes, as it was sent (compressed where Content-Encoding says so).

        Raises:
            UpstreamBroken: the body ended before its end, or nothing came for the time between chunks.
        """
        while self._peeked:
            yield self._peeked.pop(0)
        while chunk := await self._next_chunk():
            yield chunk

    async def read(self, limit: int) -> bytes | None:
        """Return the whole body, or None when it is longer than `limit` bytes.

        Raises:
            UpstreamBroken: as in `chunks`.
        """
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                return None
        return bytes(body)

    async def read_arrived(self) -> bytes | None:
        """Return the whole body where all of it has come already; else None, and it is left.

        What has come and is not read is no more than the parser takes before it stops reading.

        Raises:
            UpstreamBroken: as in `chunks`.
        """
        return b"".join([chunk async for chunk in self.chunks()]) if self._content.is_eof() else None

    async def peek(self, limit: int) -> bytes | None:
        """Return the whole body and keep it for `chunks`, or None when it is longer than `limit` or breaks off."""
        size = 0
        try:
            while chunk := await self._next_chunk():
                self._peeked.append(chunk)
                size += len(chunk)
                if size > limit:
                    return None
        except UpstreamBroken:
            return None  # chunks() meets the same end, and says so
        return b"".join(self._peeked)

    async def _next_chunk(self) -> bytes:
        try:
            return await next_chunk(self._content, self._chunk_seconds)
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise UpstreamBroken from error
