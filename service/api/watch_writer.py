"""Writes a watch at its caller's pace, and ends it in a way that says how it ended."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from aiohttp import HttpVersion11, web

from service.api import guard, keys
from service.api.streaming import abort
from service.api.watch_framer import WatchFramer
from service.cache.batches import Batch, SharedFeed
from service.errors import ApiError, Expired
from service.kube.responses import UpstreamBroken

_NO_BUFFERING = {"Cache-Control": "no-cache, private", "X-Accel-Buffering": "no"}


class _Stalled(Exception):
    """The caller reads nothing, and has not for too long."""


class WatchWriter:
    """Writes one watch.

    Args:
        request: the caller's.
        framer: writes the events down.
    """

    def __init__(self, request: web.Request, framer: WatchFramer) -> None:
        self._request = request
        self._framer = framer
        self._stall_seconds = request.app[keys.SETTINGS].watch_silence_seconds
        self._response = web.StreamResponse(headers=_NO_BUFFERING)
        self._response.content_type = framer.framing.content_type
        # RFC 9112, section 7.1: what HTTP/1.0 does not know.
        self._is_chunked = request.version >= HttpVersion11

    async def write_all(self, batches: AsyncIterator[Batch], seconds: float) -> web.StreamResponse:
        """Write batches until they end, for a time at most.

        A stream that broke off upstream, or whose caller reads nothing, is cut: only one that was ended on
        purpose looks like that.
        """
        await self._response.prepare(self._request)
        if self._request.method == "HEAD":
            return self._response
        try:
            await self._write_until(batches, seconds)
            await self._send(self._framer.farewell())
            await asyncio.wait_for(self._response.write_eof(), self._stall_seconds)
        except (UpstreamBroken, msgspec.DecodeError, _Stalled, TimeoutError):
            return abort(self._request, self._response)
        return self._response

    async def attend(self, feed: SharedFeed) -> None:
        """Let the caller be told what comes together with its like, as long as it keeps up."""
        framer = self._framer
        like = (feed.cache, feed.selection, framer.framing.content_type, framer.bookmarks, self._is_chunked)
        await self._request.app[keys.AUDIENCES].attend(like, self, feed, framer)

    def offer(self, data: bytes, framer: WatchFramer) -> bool:
        """Write what was made for all who are like this caller, past aiohttp's writer, if there is room for it."""
        transport = self._request.transport
        if transport is None or not self._fits(data):
            return False
        if data:
            transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)
        self._framer.follow(framer)
        return True

    async def _write_until(self, batches: AsyncIterator[Batch], seconds: float) -> None:
        try:
            async with self._request.app[keys.STREAMS].lasting(seconds, guard.review_of(self._request)):
                async for batch in batches:
                    await self._send(self._framer.framed(batch))
        except TimeoutError:
            return
        except Expired as expired:
            await self._send(self._framer.expired(expired.status().rstrip()))
        except ApiError as refusal:
            await self._send(self._framer.refused(refusal.status().rstrip()))

    async def _send(self, data: bytes) -> None:
        if not data:
            return
        if self._fits(data):
            await self._response.write(data)
            return
        try:
            async with asyncio.timeout(self._stall_seconds):
                await self._response.write(data)
        except TimeoutError:
            self._request[keys.AUDIT].outcome = "stalled"
            raise _Stalled from None

    def _fits(self, data: bytes) -> bool:
        """Tell whether data finds room in the socket's buffer, so that nobody waits: then no deadline is needed.

        With a thousand watchers, a deadline for each write would be a sixth of what a change costs.
        """
        transport = self._request.transport
        if transport is None:
            return True  # the caller has left, which the write says
        _, most = transport.get_write_buffer_limits()
        return transport.get_write_buffer_size() + len(data) < most
