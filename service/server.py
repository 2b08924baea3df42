"""Runs the application on a socket: what happens before a route is found, and how the process ends."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

import structlog
from aiohttp import http_parser, web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from service import version
from service.api import keys
from service.api.middlewares import REQUEST_ID_HEADER, new_request_id, rendered
from service.app import create_app
from service.audit import AuditRecord
from service.errors import ApiError, BadRequest, InternalError, RequestHeaderFieldsTooLarge
from service.sandbox.store import Limits
from service.settings import Settings
from service.welcome import welcome

_log = structlog.stdlib.get_logger(__name__)

# A labelSelector of 3,000 terms is 64 kB before it is percent-encoded.
_MAX_URL_BYTES = 256 * 1024
# An OpenID Connect token with many groups is the largest header that is met.
_MAX_HEADER_BYTES = 32 * 1024
_MAX_HEADERS = 128
# Longer than the 60 s after which common load balancers give up an idle connection, or they would race us.
_KEEPALIVE_SECONDS = 75
# How long an answered request's unread body is still taken from the socket, so that the caller sees the answer.
_LINGERING_SECONDS = 5
# From a connection in the kernel's queue to its request being read takes some turns of the event loop.
_TURNS_TO_READ = 10


class StartError(Exception):
    """The service cannot start; the text is one line."""


class _Protocol(web.RequestHandler):
    """Answers what aiohttp would answer as plain text: requests that never reach a route."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun; the connection is cut")
        error = _unreadable(exc) if isinstance(exc, BadHttpMessage) else InternalError("an internal error occurred")
        if not isinstance(exc, BadHttpMessage):
            _log.error("a bug outside of the routes", exc_info=exc)
        response = self._rendered(request, error)
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        if isinstance(resp, web.HTTPException):
            resp = self._rendered(request, ApiError(resp.reason, code=resp.status))
        return await super().finish_response(request, resp, start_time)

    def _rendered(self, request: web.BaseRequest, error: ApiError) -> web.Response:
        record = AuditRecord(new_request_id(), request.method, request.rel_url.raw_path)
        request[keys.AUDIT] = record
        record.code = error.code
        record.write()
        response = rendered(error)
        response.headers[REQUEST_ID_HEADER] = record.request_id
        response.headers["Server"] = "job-api"
        return response


def _unreadable(error: BadHttpMessage) -> ApiError:
    if isinstance(error, LineTooLong) or error.message.startswith("Too many"):
        return RequestHeaderFieldsTooLarge(
            f"the URL is over {_MAX_URL_BYTES} bytes, a header is over {_MAX_HEADER_BYTES}, or there are over "
            f"{_MAX_HEADERS} headers"
        )
    return BadRequest("the request is no valid HTTP/1.1")


class _Site(web.BaseSite):
    """A listening socket whose connections speak `_Protocol`."""

    def __init__(self, runner: web.AppRunner, settings: Settings) -> None:
        super().__init__(runner)
        self._listen = settings.listen

    @property
    def name(self) -> str:
        return f"http://{self._listen}"

    async def start(self) -> None:
        await super().start()
        loop = asyncio.get_running_loop()
        server = cast("web.Server", self._runner.server)  # there since setup()

        def protocol() -> _Protocol:
            return _Protocol(
                server,
                loop=loop,
                access_log=None,  # type: ignore[arg-type]  # as AppRunner passes it to have none
                auto_decompress=False,
                keepalive_timeout=_KEEPALIVE_SECONDS,
                lingering_time=_LINGERING_SECONDS,
                max_line_size=_MAX_URL_BYTES,
                max_field_size=_MAX_HEADER_BYTES,
                max_headers=_MAX_HEADERS,
            )

        self._server = await loop.create_server(
            protocol, self._listen.host, self._listen.port, backlog=self._backlog, reuse_address=True
        )


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[web.Application, str]]:
    """Run the service; on leaving, finish what is in flight and free everything.

    Yields:
        The application and its URL, such as http://127.0.0.1:8080.

    Raises:
        StartError: the address cannot be listened on, or aiohttp lacks its C parser.
        CredentialsError: there are no credentials for an apiserver.
    """
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise StartError("aiohttp runs without its C parser, whose strictness is relied on; install a built wheel")
    app = create_app(settings)
    # A caller that hangs up cancels its handler, and with it everything upstream; KubeClient.write goes on.
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=settings.shutdown_drain_seconds)
    try:
        await runner.setup()
        try:
            await _Site(runner, settings).start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "the address does not resolve"
            raise StartError(f"cannot listen on {settings.listen}: {reason}") from error
        host, port = runner.addresses[0][:2]
        yield app, f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        await _stop_listening(runner)
        await runner.cleanup()


async def _stop_listening(runner: web.AppRunner) -> None:
    """Take no more connections, and read what has arrived on those that are there, so that it is answered.

    aiohttp by itself closes the connections that seem idle before it has looked whether a request is waiting.
    """
    for site in runner.sites:
        await site.stop()
    for _ in range(_TURNS_TO_READ):
        await asyncio.sleep(0)


async def serve(settings: Settings) -> None:
    """Run the service until SIGTERM or SIGINT.

    SIGTERM: /readyz says no, requests are still served for the grace, then what is in flight is finished.
    SIGINT, or a second signal: the grace is skipped.

    Raises:
        StartError, CredentialsError: as in `running`.
    """
    asked_to_end, hurried = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if asked_to_end.is_set() or number == signal.SIGINT:
            hurried.set()
        asked_to_end.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    async with running(settings) as (app, url):
        if settings.sandbox:
            sys.stdout.write(welcome(url, Limits()))
            sys.stdout.flush()
        _log.info("serving", url=url, program=version.NAME, version=version.VERSION)
        await asked_to_end.wait()
        app[keys.READINESS].draining = True
        _log.info("shutting down", grace_seconds=settings.shutdown_grace_seconds)
        with suppress(TimeoutError):
            await asyncio.wait_for(hurried.wait(), settings.shutdown_grace_seconds)
    _log.info("ended")
