"""The connections to one apiserver: what is sent over them, and what becomes of a request without an answer.

What goes wrong before an answer's headers becomes an ApiError; what goes wrong after them is an `UpstreamBroken`,
because by then the caller may have been promised a body.
"""

import asyncio
import io
import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from service import version
from service.errors import ApiError, ServiceUnavailable, Timeout
from service.kube.credentials import Credentials
from service.kube.responses import UpstreamResponse
from service.kube.send_once import SendOnce
from service.kube.verbs import verb_and_resource
from service.metrics import Metrics
from service.settings import Settings

logger = logging.getLogger(__name__)

USER_AGENT = f"{version.NAME}/{version.VERSION}"
# The apiserver closes a connection that was idle for 90 s; to be first makes it unlikely that a request is sent
# into a connection that is just being closed, which could not be sent again.
_KEEPALIVE_SECONDS = 30
_READ_BUFFER_BYTES = 64 * 1024
# A Warning header may hold 4 kB of text, and there may be many.
_HEADER_LINE_BYTES = 64 * 1024
_NEVER_SENT = (
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)
# A connection that is aborted is gone within a few turns of the event loop.
_GIVEN_UP_SECONDS = 1.0
_OUTCOME_UNKNOWN = "whether it was carried out is unknown: GET the Job before you try again"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """What is sent to the apiserver.

    Attributes:
        method: the HTTP method.
        path: the path, made of checked names.
        query: the query string, encoded, without `?`; empty for none.
        headers: the headers that go along, but for Authorization.
        body: the bytes to send, if any.
        changes: whether it may change something, so that the outcome is unknown when there is no answer.
        streams: whether the answer lasts, as a watch does.
        silence_seconds: how long the answer's body may be silent; None for what the settings say.
        first_byte_seconds: until the answer begins; None for what the settings say.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None = None
    changes: bool = False
    streams: bool = False
    silence_seconds: float | None = None
    first_byte_seconds: float | None = None

    def url(self, server: str) -> URL:
        """Return the whole URL on a server."""
        text = f"{server}{self.path}?{self.query}" if self.query else f"{server}{self.path}"
        return URL(text, encoded=True)


class Connections:
    """Two pools of connections: streams cannot take a call's, however many there are.

    The pools themselves have no bound: what may be in flight is bounded where it comes in.

    Args:
        settings: the deadlines.
        metrics: counts what is sent.

    Attributes:
        open_streams: how many streams there are of each resource.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.open_streams = Counter({"jobs": 0, "pods": 0, "pods/log": 0})
        self._settings = settings
        self._metrics = metrics
        self._closing: set[asyncio.Future[None]] = set()  # connections that were given up, until they are gone
        self._calls = _session(settings)
        self._streams = _session(settings)

    async def close(self) -> None:
        """Close every connection, and wait for those that were given up to be gone."""
        await self._calls.close()
        await self._streams.close()
        if self._closing:
            await asyncio.wait(self._closing, timeout=_GIVEN_UP_SECONDS)

    async def send(self, request: UpstreamRequest, credentials: Credentials) -> UpstreamResponse:
        """Send a request, once, and return its answer as soon as the headers are there.

        Raises:
            ApiError: there is no answer; see section 2 of the contract for the codes.
        """
        headers = dict(request.headers)
        if credentials.authorization is not None:
            headers["Authorization"] = credentials.authorization
        session = self._streams if request.streams else self._calls
        verb, resource = verb_and_resource(request.method, request.path, streams=request.streams)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(request.first_byte_seconds or self._settings.upstream_first_byte_seconds):
                response = await session.request(
                    request.method,
                    request.url(credentials.server),
                    headers=headers,
                    # Not as bytes: aiohttp would write them in one piece, and warns of it from 1 MiB.
                    data=None if request.body is None else aiohttp.BytesIOPayload(io.BytesIO(request.body)),
                    ssl=credentials.ssl_context,
                    server_hostname=credentials.server_hostname,
                    proxy=credentials.proxy,
                    allow_redirects=False,
                    middlewares=(SendOnce(),),
                )
        except (aiohttp.ClientError, OSError) as error:
            self._metrics.upstream(verb, resource, 0, time.perf_counter() - began)
            raise _failure(request, error) from error
        self._metrics.upstream(verb, resource, response.status, time.perf_counter() - began)
        seconds = request.silence_seconds or self._settings.chunk_seconds
        if not request.streams:
            return UpstreamResponse(response, seconds, self._closing)
        self.open_streams[resource] += 1
        return UpstreamResponse(response, seconds, self._closing, lambda: self.open_streams.subtract([resource]))


def _session(settings: Settings) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_SECONDS),
        timeout=aiohttp.ClientTimeout(total=None, connect=settings.upstream_connect_seconds),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT},
        # What the caller did not ask for is not asked for in its name.
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type"),
        trust_env=False,
        read_bufsize=_READ_BUFFER_BYTES,
        max_line_size=_HEADER_LINE_BYTES,
        max_field_size=_HEADER_LINE_BYTES,
    )


def _failure(request: UpstreamRequest, error: Exception) -> ApiError:
    """Say what became of a request that has no answer; the address and the exception's text stay here."""
    logger.warning("no answer from the apiserver to a %s: %s", request.method, type(error).__name__)
    if isinstance(error, _NEVER_SENT):
        return ServiceUnavailable("the apiserver cannot be reached")
    silent = isinstance(error, TimeoutError)
    what = "the apiserver did not answer in time" if silent else "the connection to the apiserver broke off"
    if request.changes:
        return Timeout(f"{what} after the {request.method} was sent; {_OUTCOME_UNKNOWN}")
    return Timeout(what) if silent else ServiceUnavailable(f"{what} before an answer came")
