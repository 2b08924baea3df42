"""KubeClient: the service's own connections to the apiserver.

It sends what it is given and hands back an answer whose body is still on the way. What goes wrong before the
answer's headers becomes an ApiError; what goes wrong after them is an `UpstreamBroken`, because by then the
caller may have been promised a body.
"""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from service import version
from service.errors import ApiError, ServiceUnavailable, Timeout
from service.kube.credentials import Credentials, CredentialsError, CredentialSource
from service.kube.send_once import SendOnce
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
        self, response: aiohttp.ClientResponse, chunk_seconds: float, closing: set[asyncio.Future[None]]
    ) -> None:
        self._response = response
        self._chunk_seconds = chunk_seconds
        self._closing = closing
        self.status: int = response.status
        self.headers: CIMultiDictProxy[str] = response.headers
        self.length = response.content_length
        self._peeked: list[bytes] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the connection: for the next request if the body was read to its end, else by closing it."""
        if self._response.content.at_eof():
            self._response.release()
            return
        connection = self._response.connection
        if connection is not None and connection.transport is not None and connection.protocol is not None:
            if (closed := connection.protocol.closed) is not None:
                self._closing.add(closed)
                closed.add_done_callback(self._closing.discard)
            # To close TLS politely takes an answer of the other side, which may be silent, or come after our end.
            connection.transport.abort()
        self._response.close()

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
            async with asyncio.timeout(self._chunk_seconds):
                return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise UpstreamBroken from error


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None = None
    chunk_seconds: float | None = None

    def url(self, server: str) -> URL:
        text = f"{server}{self.path}?{self.query}" if self.query else f"{server}{self.path}"
        return URL(text, encoded=True)


class KubeClient:
    """Sends requests to one apiserver with the service's own credentials.

    Args:
        credentials: who the service is; asked for each request.
        settings: the deadlines.
    """

    def __init__(self, credentials: CredentialSource, settings: Settings) -> None:
        self._credentials = credentials
        self._settings = settings
        self._writes: set[asyncio.Task[UpstreamResponse]] = set()
        self._closing: set[asyncio.Future[None]] = set()  # connections that were given up, until they are gone
        self._session = aiohttp.ClientSession(
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

    async def close(self) -> None:
        """Wait for the writes that are still under way, for as long as a drain may take; then close everything."""
        if self._writes:
            _, overdue = await asyncio.wait(self._writes, timeout=self._settings.shutdown_drain_seconds)
            for write in overdue:
                write.cancel()
            await asyncio.gather(*overdue, return_exceptions=True)
        await self._session.close()
        if self._closing:
            await asyncio.wait(self._closing, timeout=_GIVEN_UP_SECONDS)

    async def read(
        self, path: str, query: str, headers: Mapping[str, str], *, chunk_seconds: float | None = None
    ) -> UpstreamResponse:
        """GET a path.

        Args:
            path: the path on the apiserver, made of checked names.
            query: the query string, encoded, without `?`; empty for none.
            headers: the request headers that go along.
            chunk_seconds: how long the answer's body may be silent; None for what the settings say.

        Raises:
            ApiError: there is no answer; see section 2 of the contract for the codes.
        """
        return await self._ask(_Request("GET", path, query, headers, chunk_seconds=chunk_seconds))

    async def write(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> UpstreamResponse:
        """POST or DELETE. What was begun is finished, even when the one who waits for it is cancelled.

        Args:
            method: POST or DELETE.
            path: as in `read`.
            query: as in `read`.
            headers: as in `read`, with the body's Content-Type.
            body: the bytes to send.

        Raises:
            ApiError: there is no answer; a 504 says that the outcome is unknown.
        """
        write = asyncio.create_task(self._ask(_Request(method, path, query, headers, body)))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)
        try:
            return await asyncio.shield(write)
        except asyncio.CancelledError:
            write.add_done_callback(_close_unclaimed)
            raise

    async def _ask(self, request: _Request) -> UpstreamResponse:
        """Send, and once more if our credentials were refused and newer ones are at hand.

        A request that was answered 401 was not carried out, so this holds for writes too.
        """
        credentials = await self._current_credentials()
        response = await self._send(request, credentials)
        if response.status != 401:
            return response
        response.close()
        renewed = await self._credentials.renewed(credentials)
        if renewed != credentials:
            response = await self._send(request, renewed)
            if response.status != 401:
                return response
            response.close()
        logger.error("the apiserver refuses the credentials of %s", self._credentials.origin)
        raise ServiceUnavailable("the apiserver does not accept the service's own credentials")

    async def _current_credentials(self) -> Credentials:
        try:
            return await self._credentials.current()
        except CredentialsError as error:
            logger.error("%s", error)  # noqa: TRY400 (its text is the whole story)
            raise ServiceUnavailable("the service has no credentials for the apiserver") from error

    async def _send(self, request: _Request, credentials: Credentials) -> UpstreamResponse:
        headers = dict(request.headers)
        if credentials.authorization is not None:
            headers["Authorization"] = credentials.authorization
        try:
            async with asyncio.timeout(self._settings.upstream_first_byte_seconds):
                response = await self._session.request(
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
            raise _failure(request.method, error) from error
        return UpstreamResponse(response, request.chunk_seconds or self._settings.chunk_seconds, self._closing)


def _failure(method: str, error: Exception) -> ApiError:
    """Say what became of a request that has no answer; the address and the exception's text stay here."""
    logger.warning("no answer from the apiserver to a %s: %s", method, type(error).__name__)
    if isinstance(error, _NEVER_SENT):
        return ServiceUnavailable("the apiserver cannot be reached")
    silent = isinstance(error, TimeoutError)
    what = "the apiserver did not answer in time" if silent else "the connection to the apiserver broke off"
    if method != "GET":
        return Timeout(f"{what} after the {method} was sent; {_OUTCOME_UNKNOWN}")
    return Timeout(what) if silent else ServiceUnavailable(f"{what} before an answer came")


def _close_unclaimed(write: asyncio.Task[UpstreamResponse]) -> None:
    """Free the answer to a write whose caller has left; the log keeps what became of it."""
    if write.cancelled():
        return
    if (error := write.exception()) is not None:
        logger.warning("a write whose caller had left failed: %s", error)
        return
    response = write.result()
    response.close()
    logger.info("a write whose caller had left was answered with %d", response.status)
