"""One connection's requests, of which those that `PromptCalls` can answer never reach aiohttp's routes."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import _ErrInfo

from service.api.prompt_calls import LaterReply, PromptCalls, Reply

Message: TypeAlias = tuple[RawRequestMessage | _ErrInfo, StreamReader]


class PromptHandler(web.RequestHandler):
    """aiohttp's protocol with a way past its routes.

    One request at a time goes that way, when nothing else of the connection is under way; what comes behind it
    waits, as it does behind a request that the routes answer.

    Args:
        server: what aiohttp calls the manager of its connections.
        calls: answers those that go that way.
        options: aiohttp's own.
    """

    __slots__ = ("_calls", "_taken", "_under_way", "_untaken")

    def __init__(self, server: web.Server, calls: PromptCalls, **options: Any) -> None:
        super().__init__(server, **options)
        self._parser: Any = _Parser(self._parser, self._take)
        self._calls = calls
        self._taken = 0  # how many requests were kept from the routes, at least at first
        self._under_way: asyncio.Task[None] | None = None
        self._untaken: list[Message] = []

    def connection_lost(self, exc: BaseException | None) -> None:
        """End; a caller who leaves frees what was begun for it."""
        if self._under_way is not None:
            self._under_way.cancel()
        super().connection_lost(exc)

    def close(self) -> None:
        """Take no more requests, and end once the one that is under way is answered, whichever way it goes."""
        if self._under_way is None:
            super().close()
        else:
            self._close = True

    def _take(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Answer what has come, if it is known; return what is left to the routes."""
        if self._under_way is not None:
            self._taken += len(messages)
            self._untaken += messages
            # Who reads notices a caller who hangs up. A body's bounds are looked after once it is the routes'.
            if len(self._untaken) >= self._max_msg_queue_size or not messages[-1][1].is_eof():
                self._pause_reading_for_buffer()
            return ()
        message, body = messages[0]
        if len(messages) > 1 or isinstance(message, _ErrInfo) or not self._can_reply():
            return messages
        answer = self._calls.answer(message, body)
        if answer is None:
            return messages
        self._taken += 1
        self._request_in_progress = True
        if isinstance(answer, Reply):
            self._parser.message_consumed()
            self._send_soon(answer)
        else:
            self._under_way = self._loop.create_task(self._send_later(answer, messages[0]))
        return ()

    def _can_reply(self) -> bool:
        """Tell whether nothing is before the request that comes now, and its answer finds room."""
        is_idle = not self._request_in_progress and self._waiter is not None and not self._waiter.done()
        return is_idle and not self._messages and not self._paused

    async def _send_later(self, answer: LaterReply, message: Message) -> None:
        reply, goes_on = None, True
        try:
            reply = await answer
            if reply is None:
                self._untaken.insert(0, message)
            else:
                self._parser.message_consumed()
                goes_on = self._send_soon(reply)
        except ConnectionError:
            if self.transport is not None:
                self.transport.abort()
        finally:
            self._under_way = None
            if reply is None:
                self._is_over()
            if self.transport is not None and goes_on:
                self._go_on()

    def _send_soon(self, reply: Reply) -> bool:
        """Send an answer with the others of this turn of the event loop; tell whether the connection goes on.

        Each write by itself would wake its caller, on a machine of ours a third of what an answer costs; of those
        that follow each other without a pause, few have to.
        """
        goes_on = not self._close and not self._calls.draining
        head = reply.head if goes_on else reply.head + b"Connection: close\r\n"
        # As an argument of the callback it would be in asyncio's own log, when that is told to be talkative.
        answer = head + b"\r\n" + reply.body
        self._loop.call_soon(lambda: self._send(answer, goes_on))
        return goes_on

    def _send(self, answer: bytes, goes_on: bool) -> None:
        if self.transport is not None:
            self.transport.write(answer)
            if not goes_on:
                self.force_close()
        self._is_over()

    def _is_over(self) -> None:
        """Note that the request that was under way is answered, for which a shutdown may be waiting."""
        self._request_in_progress = False
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)

    def _go_on(self) -> None:
        """Serve what came meanwhile, or wait for the next request."""
        if not self._untaken:
            self._rest()
            return
        self._messages.extend(self._untaken)
        self._request_count += len(self._untaken)
        self._untaken.clear()
        self._heads_came()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _heads_came(self) -> None:
        """Note that requests have come of which `_messages` has the last."""

    def _rest(self) -> None:
        """Close the connection unless another request comes within the time that an idle one is kept."""
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None and not self._close:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)

    def _process_keepalive(self) -> None:
        if self._under_way is None:
            super()._process_keepalive()
        else:
            self._keepalive_handle = None
            self._rest()


class _Parser:
    """aiohttp's parser, whose requests somebody sees before aiohttp's protocol does.

    Args:
        parser: aiohttp's.
        take: sees them, and returns those that the protocol is to see.
    """

    def __init__(self, parser: HttpRequestParser, take: Callable[[Sequence[Message]], Sequence[Message]]) -> None:
        self._parser, self._take = parser, take
        self.feed_eof = parser.feed_eof
        self.message_consumed = parser.message_consumed
        self.pause_reading = parser.pause_reading
        self.set_upgraded = parser.set_upgraded

    def feed_data(self, data: bytes) -> tuple[Sequence[Message], bool, bytes]:
        """Parse what came, as aiohttp's parser does."""
        messages: Sequence[Message]
        try:
            messages, upgraded, tail = self._parser.feed_data(data)
        except HttpProcessingError as error:
            # As aiohttp's protocol has it, which knows nothing of what may be before it.
            messages, upgraded, tail = [(_ErrInfo(400, error, error.message), EMPTY_PAYLOAD)], False, b""
        return self._take(messages) if messages else (), upgraded, tail
