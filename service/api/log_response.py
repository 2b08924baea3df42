"""The answer that a log is written to, at its caller's pace."""

import asyncio

from aiohttp import web

from service.api import keys
from service.api.streaming import PIECE_BYTES, abort

_HEADERS = {
    "Content-Type": "text/plain",
    "Cache-Control": "no-cache, private",
    "X-Content-Type-Options": "nosniff",  # as the apiserver has it: a log may look like a page
    "X-Accel-Buffering": "no",
}


class CallerStalled(Exception):
    """The caller reads nothing, and has not for too long."""


class LogResponse:
    """Takes a log's bytes; the answer begins once something can be read.

    Args:
        request: the caller's.

    Attributes:
        has_begun: the answer has begun.
        wants_body: whether it has a body, which the one to a HEAD has not.
    """

    def __init__(self, request: web.Request) -> None:
        self.has_begun = False
        self.wants_body = request.method != "HEAD"
        self._request = request
        self._stall_seconds = request.app[keys.SETTINGS].chunk_seconds
        self._response = web.StreamResponse(headers=_HEADERS)

    async def begin(self) -> None:
        """Begin the answer, unless it has."""
        if not self.has_begun:
            self.has_begun = True
            await self._response.prepare(self._request)

    async def write(self, data: bytes) -> None:
        """Send bytes, and return when there is room for more.

        Raises:
            CallerStalled: the caller takes nothing.
        """
        view = memoryview(data)
        for start in range(0, len(data), PIECE_BYTES):
            try:
                async with asyncio.timeout(self._stall_seconds):
                    await self._response.write(view[start : start + PIECE_BYTES])
            except TimeoutError:
                self._request[keys.AUDIT].outcome = "stalled"
                raise CallerStalled from None

    async def end(self) -> web.StreamResponse:
        """End the answer, and return it."""
        await self._response.write_eof()
        return self._response

    def cut(self) -> web.StreamResponse:
        """Cut the answer off, so that it cannot be taken for the whole; return it."""
        return abort(self._request, self._response)
