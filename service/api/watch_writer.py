"""Writes a watch at its caller's pace, and ends it in a way that says how it ended."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from aiohttp import web

from service.api import guard, keys
from service.api.framing import Framing
from service.api.streaming import abort
from service.cache.batches import Batch, Delivery
from service.errors import ApiError, Expired
from service.kube.responses import UpstreamBroken
from service.kube.watch import WatchEvent, bookmark, code_of

_NO_BUFFERING = {"Cache-Control": "no-cache, private", "X-Accel-Buffering": "no"}


_EXPIRED = 410


class _Stalled(Exception):
    """The caller reads nothing, and has not for too long."""


class WatchWriter:
    """Writes one watch.

    Args:
        request: the caller's.
        framing: the form of the stream.
        bookmarks: whether BOOKMARK events are wanted.
    """

    def __init__(self, request: web.Request, framing: Framing, *, bookmarks: bool) -> None:
        self._request = request
        self._framing = framing
        self._bookmarks = bookmarks
        self._stall_seconds = request.app[keys.SETTINGS].watch_silence_seconds
        self._response = web.StreamResponse(headers=_NO_BUFFERING)
        self._response.content_type = framing.content_type
        self._known: int | None = None  # up to where the caller knows everything
        self._told: int | None = None  # the last place that the stream has told

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
            await self._send(self._farewell())
            await asyncio.wait_for(self._response.write_eof(), self._stall_seconds)
        except (UpstreamBroken, msgspec.DecodeError, _Stalled, TimeoutError):
            return abort(self._request, self._response)
        return self._response

    async def _write_until(self, batches: AsyncIterator[Batch], seconds: float) -> None:
        try:
            async with self._request.app[keys.STREAMS].lasting(seconds, guard.review_of(self._request)):
                async for batch in batches:
                    await self._send(self._framed(batch))
        except TimeoutError:
            return
        except Expired as expired:
            await self._send(self._framing.expired(expired.status().rstrip()))
            self._known = None
        except ApiError as refusal:
            await self._send(self._framing.event("ERROR", refusal.status().rstrip(), None))
            self._known = None

    def _framed(self, batch: Batch) -> bytes:
        frames = [self._event(each) for each in batch.deliveries if self._is_wanted(each)]
        self._known = batch.resource_version
        if not batch.deliveries:
            frames.append(self._framing.comment())
        untold = self._known if self._known != self._told else None
        # Lines cannot tell a place, which is then still to be told in the end.
        if untold is not None and not (frames and batch.deliveries) and (place := self._framing.place(untold)):
            self._told = untold
            frames.append(place)
        return b"".join(frames)

    def _is_wanted(self, delivery: Delivery) -> bool:
        if delivery.type != "BOOKMARK" or self._bookmarks:
            return True
        return self._framing.tells_completion and WatchEvent(*delivery[:2]).ends_initial_events

    def _event(self, delivery: Delivery) -> bytes:
        if delivery.type == "ERROR" and code_of(WatchEvent("ERROR", delivery.object)) == _EXPIRED:
            return self._framing.expired(delivery.object)
        if delivery.resource_version is not None:
            self._told = delivery.resource_version
        return self._framing.event(delivery.type, delivery.object, delivery.resource_version)

    def _farewell(self) -> bytes:
        """Return what tells the caller a place to go on from, where the last event is behind it."""
        if self._known is None or self._known == self._told:
            return b""
        if self._bookmarks:
            return self._framing.event("BOOKMARK", bookmark(self._known), self._known)
        return self._framing.place(self._known)

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
