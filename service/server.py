"""Runs the application on a socket, and ends it when the process is told to."""

import asyncio
import gc
import os
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import structlog
from aiohttp import http_parser, web

from service import version
from service.api import keys
from service.api.prompt_calls import PromptCalls
from service.app import create_app
from service.descriptors import ExhaustionLog
from service.http_protocol import HttpProtocol
from service.sandbox.store import Limits
from service.serving_certificate import tls_context
from service.settings import Settings, effective
from service.welcome import welcome

_log = structlog.stdlib.get_logger(__name__)

# What a caller does not read is kept here rather than in the kernel, where each connection could take 4 MiB:
# https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html (tcp_wmem, tcp_notsent_lowat)
_MOST_UNSENT_BYTES = 128 * 1024
# From a connection in the kernel's queue to its request being read takes some turns of the event loop.
_TURNS_TO_READ = 10
# What has been said to a caller is read by then; TLS waits this long for its farewell too.
_FAREWELL_SECONDS = 5.0
# After how many new objects Python looks for cycles among them; its own 700 is a few requests.
_NEW_OBJECTS = 10_000


class StartError(Exception):
    """The service cannot start; the text is one line."""


class _Site(web.BaseSite):
    """A listening socket whose connections are each an HttpProtocol."""

    def __init__(self, runner: web.AppRunner, settings: Settings, tls: ssl.SSLContext | None) -> None:
        super().__init__(runner, ssl_context=tls)
        self._settings = settings

    @property
    def name(self) -> str:
        return f"{_scheme(self._ssl_context)}://{self._settings.listen}"

    async def start(self) -> None:
        await super().start()
        loop = asyncio.get_running_loop()
        runner = cast("web.AppRunner", self._runner)
        server = cast("web.Server", runner.server)  # there since setup()
        metrics, calls = runner.app[keys.METRICS], PromptCalls(runner.app)
        self._server = listening = await loop.create_server(
            lambda: HttpProtocol(server, self._settings, metrics, calls, loop),
            self._settings.listen.host,
            self._settings.listen.port,
            backlog=self._backlog,
            reuse_address=True,
            start_serving=False,
            **self._tls(),
        )
        for each in listening.sockets:
            self._bound(each)
        await listening.start_serving()

    def _tls(self) -> dict[str, Any]:
        """Return how TLS is spoken, if it is: a handshake may take as long as a head."""
        if self._ssl_context is None:
            return {}
        return {
            "ssl": self._ssl_context,
            "ssl_handshake_timeout": self._settings.head_seconds,
            "ssl_shutdown_timeout": _FAREWELL_SECONDS,
        }

    async def stop(self) -> None:
        """Accept nothing more, hand over what is accepted already, and close the socket.

        asyncio by itself drops a connection that is accepted and not handed over yet when it closes the socket.
        """
        loop = asyncio.get_running_loop()
        for each in self._server.sockets if isinstance(self._server, asyncio.Server) else ():
            loop.remove_reader(each.fileno())
        await _some_turns()
        await super().stop()

    def _bound(self, listening: socket.socket) -> None:
        """Bound what a connection holds for a caller who does not read; connections inherit it (Linux' tcp(7)).

        The handlers have deadlines for their writes. This one is for what is left when the answer is written: a
        connection is closed only once all of it is sent, which may be never.
        """
        seconds = max(self._settings.chunk_seconds, self._settings.watch_silence_seconds)
        bounds = {"TCP_USER_TIMEOUT": round(seconds * 1000), "TCP_NOTSENT_LOWAT": _MOST_UNSENT_BYTES}
        for option, value in bounds.items():
            if hasattr(socket, option):
                listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[web.Application, str]]:
    """Run the service; on leaving, finish what is in flight and free everything.

    Yields:
        The application and its URL, such as http://127.0.0.1:8080.

    Raises:
        StartError: the address cannot be listened on, or aiohttp lacks its C parser.
        CredentialsError: there are no credentials for an apiserver.
        CertificateError: the certificate to serve with cannot be used.
    """
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise StartError("aiohttp runs without its C parser, whose strictness is relied on; install a built wheel")
    app = create_app(settings)
    async with tls_context(settings, app[keys.METRICS]) as tls, _served(app, settings, tls) as address:
        yield app, f"{_scheme(tls)}://{address}"


@asynccontextmanager
async def _served(app: web.Application, settings: Settings, tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    # A caller that hangs up cancels its handler, and with it everything upstream; KubeClient.write goes on.
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=settings.shutdown_drain_seconds)
    try:
        await runner.setup()
        try:
            await _Site(runner, settings, tls).start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "the address does not resolve"
            raise StartError(f"cannot listen on {settings.listen}: {reason}") from error
        host, port = runner.addresses[0][:2]
        yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    finally:
        await _stop_listening(runner)
        await runner.cleanup()


def _scheme(tls: ssl.SSLContext | None) -> str:
    return "http" if tls is None else "https"


async def _stop_listening(runner: web.AppRunner) -> None:
    """Take no more connections, and read what has arrived on those that are there, so that it is answered.

    aiohttp by itself closes the connections that seem idle before it has looked whether a request is waiting.
    """
    for site in runner.sites:
        await site.stop()
    await _some_turns()


async def _some_turns() -> None:
    for _ in range(_TURNS_TO_READ):
        await asyncio.sleep(0)


def _spare_the_collector() -> None:
    """Let Python's garbage collector look at what a start leaves never again, and at the rest more seldom.

    Requests leave no cycles to speak of; the Jobs of the cache are not looked at anyhow.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


async def serve(settings: Settings) -> None:
    """Run the service until SIGTERM or SIGINT.

    SIGTERM: /readyz says no, requests are still served for the grace, then what is in flight is finished.
    SIGINT, or a second signal: the grace is skipped.

    Raises:
        StartError, CredentialsError, CertificateError: as in `running`.
    """
    asked_to_end, hurried = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(ExhaustionLog())

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
        _spare_the_collector()
        _log.info("settings", **effective(settings))
        _log.info("serving", url=url, program=version.NAME, version=version.VERSION)
        await asked_to_end.wait()
        app[keys.READINESS].draining = True
        _log.info("shutting down", grace_seconds=settings.shutdown_grace_seconds)
        with suppress(TimeoutError):
            await asyncio.wait_for(hurried.wait(), settings.shutdown_grace_seconds)
    _log.info("ended")
