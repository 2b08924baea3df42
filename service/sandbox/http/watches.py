"""Watches: streams of what changes, read from the past that the store remembers.

A watch is a place in that past and nothing more: it is woken by each change, reads on from where it is, and ends
with an ERROR when the store forgets faster than its caller reads.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from service.errors import ApiError
from service.sandbox.errors import NotAcceptable, Refused, too_large_resource_version
from service.sandbox.http.responses import representation_of
from service.sandbox.http.selection import path_in
from service.sandbox.http.watch_events import EventWriter, error_event
from service.sandbox.http.watch_options import WatchOptions, read_watch_options
from service.sandbox.kinds import Kind
from service.sandbox.store import Change, ExpiredError, Object, Store, Stored
from service.sandbox.wakers import Wakers

# The apiserver's --min-request-timeout, up to twice of which a watch lasts whose caller does not say how long.
_LEAST_SECONDS = 1800
# The last bookmark comes this long before the end, so that the caller can go on from there.
_BOOKMARK_BEFORE_END_SECONDS = 2.0
# How long the end of a stream may take to leave for a caller that reads slowly or not at all.
_LAST_BYTES_SECONDS = 10.0

Send = Callable[[bytes], Awaitable[None]]


class Watches:
    """All watches of a store, while its server runs.

    Args:
        store: what is watched.
        bookmark_seconds: how often a watch that wants bookmarks gets one.

    Attributes:
        wakers: woken at each change of the store, and when all watches are to end.
    """

    def __init__(self, store: Store, bookmark_seconds: float) -> None:
        self.store = store
        self.bookmark_seconds = bookmark_seconds
        self.is_ending = False
        self.wakers = Wakers()
        store.listeners.append(self._wake)

    async def end(self, _app: web.Application) -> None:
        """Have every watch end, as if its time was over."""
        self.is_ending = True
        self.store.listeners.remove(self._wake)
        self._wake()

    def _wake(self, _change: Change | None = None) -> None:
        self.wakers.wake()


WATCHES = web.AppKey("watches", Watches)


async def watch_objects(request: web.Request, kind: Kind) -> web.StreamResponse:
    """Watch a kind's objects, of one namespace or of all, until the caller hangs up or its time is over."""
    representation = representation_of(request)
    options = read_watch_options(request.query, kind)
    writer = EventWriter(kind, representation, request.query.get("includeObject", ""))
    watch = _Watch(request.app[WATCHES], request.match_info.get("namespace"), options, writer)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    try:
        await response.prepare(request)
        await watch.run(response.write)
        async with asyncio.timeout(_LAST_BYTES_SECONDS):
            await response.write_eof()
    except TimeoutError:
        _hang_up(request)
    except ConnectionError:
        pass  # the caller was faster
    return response


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


class _Watch:
    """One watch."""

    def __init__(self, watches: Watches, namespace: str | None, options: WatchOptions, writer: EventWriter) -> None:
        self._watches = watches
        self._store = watches.store
        self._namespace = namespace
        self._options = options
        self._writer = writer
        self._time = asyncio.get_running_loop().time
        seconds = options.timeout_seconds or random.uniform(_LEAST_SECONDS, 2 * _LEAST_SECONDS)  # noqa: S311 (no secret)
        self._end = self._time() + seconds
        self._next_bookmark = self._bookmark_time() if options.bookmarks else None
        self._state: list[Stored] = []  # the initial events that are still to be sent, the next one last
        self._ends_state = False
        self._begin = self._place = 0

    async def run(self, send: Send) -> None:
        """Send events until the end.

        Raises:
            TimeoutError: the caller had not taken an event by the end.
        """
        try:
            self._start()
            with self._watches.wakers.waker() as waker:
                while not self._watches.is_ending and self._time() < self._end:
                    waker.clear()
                    event = self._next()
                    if event is None:
                        await self._wait(waker)
                    else:
                        await self._send(send, event)
                        await asyncio.sleep(0)  # a caller who reads fast is not to keep the others waiting
        except NotAcceptable:
            return  # as the apiserver ends the stream of what cannot be written as a list
        except ApiError as error:
            await self._send(send, error_event(error))

    def _start(self) -> None:
        """Take up the place in the past, and the state to begin with."""
        options, current = self._options, self._store.resource_version
        self._place = options.resource_version or current
        if options.begins_with_state:
            if self._place > current:
                # A real apiserver first waits 3 s, as it may lag behind its etcd; this one never does.
                raise too_large_resource_version(self._place, current)
            self._place = current
            objects = self._store.list(options.selection.kind.plural, self._namespace)
            selected = filter(options.selection.includes, objects)
            self._state = sorted(selected, key=path_in(self._namespace), reverse=True)
            self._ends_state = options.bookmarks
        self._begin = self._place

    def _next(self) -> bytes | None:
        """Return the next event, or None when there is nothing to tell now.

        Raises:
            Refused: 410: some of the past is forgotten.
        """
        if self._state:
            return self._writer.change("ADDED", self._state.pop().decoded())
        if self._ends_state:
            self._ends_state = False
            return self._writer.bookmark(self._place, ends_initial_events=True)
        try:
            return self._next_change() or self._due_bookmark()
        except ExpiredError as error:
            told = f"too old resource version: {self._place} ({error.oldest})"
            raise Refused(told, code=410, reason="Expired") from None

    def _next_change(self) -> bytes | None:
        for change in self._store.changes_since(self._place):
            self._place = change.resource_version
            if (event := self._event(change)) is not None:
                return event
        return None

    def _event(self, change: Change) -> bytes | None:
        """Return what a change is to the caller, who knows only of the objects that are selected."""
        was, is_ = self._includes(change.before), change.type != "DELETED" and self._includes(change.stored)
        if is_:
            return self._writer.change("MODIFIED" if was else "ADDED", change.stored.decoded())
        if was and change.before is not None:
            return self._writer.change("DELETED", _at(change.before, change.resource_version))
        return None

    def _includes(self, stored: Stored | None) -> bool:
        selection = self._options.selection
        return (
            stored is not None
            and stored.key.resource == selection.kind.plural
            and self._namespace in (None, stored.key.namespace)
            and selection.includes(stored)
        )

    def _due_bookmark(self) -> bytes | None:
        """Return a bookmark if it is time for one, and the caller does not know of the resourceVersion anyway."""
        if self._next_bookmark is None or self._time() < self._next_bookmark:
            return None
        self._next_bookmark = self._bookmark_time()
        if self._place <= self._begin:
            return None
        return self._writer.bookmark(self._place, ends_initial_events=False)

    def _bookmark_time(self) -> float | None:
        now = self._time()
        when = min(now + self._watches.bookmark_seconds, self._end - _BOOKMARK_BEFORE_END_SECONDS)
        return when if when > now else None

    async def _wait(self, waker: asyncio.Event) -> None:
        """Wait until there may be something to tell."""
        until = self._end if self._next_bookmark is None else min(self._next_bookmark, self._end)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await waker.wait()

    async def _send(self, send: Send, event: bytes) -> None:
        async with asyncio.timeout_at(self._end):
            await send(event)


def _at(stored: Stored, resource_version: int) -> Object:
    """Return an object as it was, with the resourceVersion of its leaving."""
    content = stored.decoded()
    content["metadata"]["resourceVersion"] = str(resource_version)
    return content
