"""Speaks HTTP/1.1 with one caller: deadlines and bounds that aiohttp's protocol lacks, errors as Statuses."""

import asyncio
import math
from typing import Any, cast

import structlog
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import _ErrInfo

from service.api import keys
from service.api.body import MAX_BYTES
from service.api.measuring import outcome_of
from service.api.middlewares import REQUEST_ID_HEADER, new_request_id, rendered
from service.api.prompt_calls import PromptCalls
from service.audit import AuditRecord
from service.errors import (
    ApiError,
    BadRequest,
    InternalError,
    RequestHeaderFieldsTooLarge,
    RequestTimeout,
)
from service.metrics import Metrics
from service.prompt_handler import PromptHandler
from service.settings import Settings

_log = structlog.stdlib.get_logger(__name__)

# A labelSelector of 3,000 terms is 64 kB before it is percent-encoded.
MAX_URL_BYTES = 256 * 1024
# An OpenID Connect token with many groups is the largest header that is met.
MAX_HEADER_BYTES = 32 * 1024
MAX_HEADERS = 128
# Of a head that is still on its way: less than all of the above at once, which is 4 MiB a connection.
MAX_HEAD_BYTES = 512 * 1024
# How long an answered request's unread body is still taken from the socket, so that the caller sees the answer.
_LINGERING_SECONDS = 5
# Twice this is kept of a body that nobody reads yet, and one of its chunks for each 16 bytes of it.
_READ_BUFFER_BYTES = 64 * 1024
# What is read at a time: it may be ten thousand chunks of a byte, which take 20 ms.
_READ_BYTES = 16 * 1024
# What is kept of an answer that its caller does not read yet: as much as asyncio takes without TLS.
_WRITE_BUFFER_BYTES = 64 * 1024
# Of a chunked body with its framing: there is no end to what may frame the few bytes that are taken.
_MAX_CHUNKED_BYTES = 2 * MAX_BYTES
# Requests that are read ahead while one is served; the socket is read on when there is but one of them left.
_MOST_AHEAD, _FEW_AHEAD = 2, 1


class HttpProtocol(PromptHandler):
    """One connection of a caller.

    A head is to come whole within `head_seconds`: the first from the connection's begin on, the others from their
    first byte on. What is late is told 408 where it has begun (RFC 9110, section 15.5.9), else just closed. The
    one timer that this takes is aiohttp's own for idle connections; a request whose head comes in one piece, on a
    connection that has been used before, touches no timer.

    Args:
        server: what aiohttp calls the manager of its connections.
        settings: the deadlines.
        metrics: counts what never reaches a route.
        calls: answers those that need no route.
        loop: the running event loop.
    """

    __slots__ = (
        "_body",
        "_body_bytes",
        "_head_bytes",
        "_head_is_timed",
        "_head_seconds",
        "_heads",
        "_metrics",
        "_most_body_bytes",
    )

    def __init__(
        self,
        server: web.Server,
        settings: Settings,
        metrics: Metrics,
        calls: PromptCalls,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(
            server,
            calls,
            loop=loop,
            access_log=None,  # as AppRunner passes it to have none
            auto_decompress=False,
            keepalive_timeout=settings.idle_seconds,
            lingering_time=_LINGERING_SECONDS,
            max_line_size=MAX_URL_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
            read_bufsize=_READ_BUFFER_BYTES,
        )
        self._max_msg_queue_size, self._msg_queue_resume_size = _MOST_AHEAD, _FEW_AHEAD
        self._metrics = metrics
        self._head_seconds = settings.head_seconds
        self._heads = 0
        self._head_bytes = 0  # of the one that is on its way
        self._head_is_timed = False
        self._body: StreamReader = EMPTY_PAYLOAD  # of the last head that came
        self._body_bytes = 0
        self._most_body_bytes = math.inf

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the first head's time begins too."""
        super().connection_made(transport)
        if hasattr(transport, "max_size"):
            transport.max_size = _READ_BYTES  # so that one caller's flood does not hold up the others
        # TLS would else take eight times as much for a caller who does not read.
        cast("asyncio.Transport", transport).set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        self._time_head()

    def data_received(self, data: bytes) -> None:
        """Parse what came; without a new request in it, it is more of a body, or of a head."""
        taken = self._taken
        super().data_received(data)
        if self._taken != taken:
            self._heads_came()
            if self._under_way is None:
                self._rest()
        elif self._request_count != self._heads:
            self._heads_came()
        elif not self._body.is_eof():
            self._body_grows(len(data))
        elif data and not self._upgraded and not self._close:
            self._head_grows(len(data))

    def _heads_came(self) -> None:
        if self._head_is_timed and self._keepalive_handle is not None:
            self._keepalive_handle.cancel()
            self._keepalive_handle = None
        self._heads, self._head_bytes, self._head_is_timed = self._request_count, 0, False
        if not self._messages:
            return
        message, body = self._messages[-1]
        if isinstance(message, _ErrInfo) and not self._body.is_eof():
            # aiohttp would let the reader of the broken body wait, and answer a request that never was.
            self._messages.pop()
            self._break_body()
        else:
            self._body, self._body_bytes = body, 0
            self._most_body_bytes = _MAX_CHUNKED_BYTES if getattr(message, "chunked", False) else math.inf

    def _body_grows(self, size: int) -> None:
        self._body_bytes += size
        if self._body_bytes > self._most_body_bytes:
            self._break_body()

    def _break_body(self) -> None:
        """Let the reader of the body know, if there is one, and read nothing more."""
        self._close = True
        self._body.set_exception(web.RequestPayloadError("the body is broken"))
        self._body.feed_eof()

    def _head_grows(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(_head_too_large())
        elif self._awaits_head() and not self._head_is_timed:
            self._time_head()

    def _awaits_head(self) -> bool:
        return self._under_way is None and self._waiter is not None and not self._waiter.done()

    def _time_head(self) -> None:
        self._head_is_timed = True
        if self._keepalive_handle is not None:
            self._keepalive_handle.cancel()
        self._next_keepalive_close_time = self._loop.time() + self._head_seconds
        self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)

    def _process_keepalive(self) -> None:
        is_late = self._loop.time() >= self._next_keepalive_close_time
        if is_late and self._head_is_timed and self._head_bytes and self._awaits_head():
            self._keepalive_handle = None
            self._refuse(
                RequestTimeout(f"the request's line and headers did not come within {self._head_seconds:g} s")
            )
        else:
            super()._process_keepalive()

    def _refuse(self, error: ApiError) -> None:
        """Answer, in place of the request whose head is on its way, and read nothing more."""
        self._close = True
        if self._awaits_head() and self._waiter is not None:
            self._messages.append((_ErrInfo(error.code, error, error.message), EMPTY_PAYLOAD))
            self._waiter.set_result(None)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return what aiohttp would answer as plain text, to a request that never reaches a route, as a Status."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun; the connection is cut")
        response = self._rendered(request, _told(exc))
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer: what was no Status becomes one, and a caller who was too slow must connect anew."""
        if isinstance(resp, web.HTTPException):
            resp = self._rendered(request, ApiError(resp.reason, code=resp.status))
        if self._close or resp.status == RequestTimeout.code:
            resp.force_close()  # RFC 9110, section 15.5.9
        return await super().finish_response(request, resp, start_time)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log a bug; a body that is broken once its request is answered is none."""
        if not isinstance(kw.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **kw)

    def _rendered(self, request: web.BaseRequest, error: ApiError) -> web.Response:
        record = AuditRecord(new_request_id(), request.method, request.rel_url.raw_path)
        request[keys.AUDIT] = record
        record.code = error.code
        record.write()
        self._metrics.request("", record.method, record.code, outcome_of(record), None)
        response = rendered(error)
        response.headers[REQUEST_ID_HEADER] = record.request_id
        response.headers["Server"] = "job-api"
        return response


def _told(error: BaseException | None) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, UnicodeEncodeError):
        # What aiohttp itself would quote of a head; bytes that are no text are kept as lone surrogates (PEP 383).
        return BadRequest("a header is not UTF-8")
    if not isinstance(error, BadHttpMessage):
        _log.error("a bug outside of the routes", exc_info=error)
        return InternalError("an internal error occurred")
    if isinstance(error, LineTooLong) or error.message.startswith("Too many"):
        return _head_too_large()
    return BadRequest("the request is no valid HTTP/1.1")


def _head_too_large() -> RequestHeaderFieldsTooLarge:
    return RequestHeaderFieldsTooLarge(
        f"the URL is over {MAX_URL_BYTES} bytes, a header is over {MAX_HEADER_BYTES}, there are over "
        f"{MAX_HEADERS} headers, or all of it is over {MAX_HEAD_BYTES} bytes"
    )
