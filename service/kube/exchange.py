"""One request and its answer, on the layer of aiohttp that its ClientSession stands on.

A session does more for each request than is wanted here: cookies, redirects, decompression, a second try when a
connection drops. That takes a third of the processor time of a forward. So this takes aiohttp's connector, which
opens connections (through proxies, with TLS) and keeps them, and its parser; what lies between is here. Nothing is
ever sent a second time.
"""

import asyncio
import ssl
from typing import NamedTuple, TypeAlias

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from cachetools import LRUCache
from multidict import CIMultiDictProxy
from yarl import URL

from service import version
from service.kube.credentials import Credentials
from service.kube.requests import UpstreamRequest

USER_AGENT = f"{version.NAME}/{version.VERSION}"
# The apiserver closes a connection that was idle for 90 s; to be first makes it unlikely that a request is sent
# into a connection that is just being closed, which could not be sent again.
_KEEPALIVE_SECONDS = 30
_READ_BUFFER_BYTES = 64 * 1024
# A Warning header may hold 4 kB of text, and there may be many.
_HEADER_LINE_BYTES = 64 * 1024
# Credentials that are read again may bring another TLS context; those before it are used up within moments.
_MOST_ROUTES = 8

_Key: TypeAlias = tuple[str, ssl.SSLContext | bool, str | None, str | None]


class Exchange(NamedTuple):
    """An answer whose headers are here.

    Attributes:
        status: the HTTP status code.
        headers: the answer's headers, of which several may bear one name.
        content: the body, which is still on the way.
        connection: what it comes over.
    """

    status: int
    headers: CIMultiDictProxy[str]
    content: StreamReader
    connection: Connection


class _Route(NamedTuple):
    """How an apiserver is reached.

    Attributes:
        request: asks aiohttp's connector for a connection; it is never sent.
        before_path: what comes before a path in a request's line.
        head: the header lines that every request has.
    """

    request: ClientRequest
    before_path: str
    head: str


class ConnectionPool:
    """Connections that are kept for the next request. There is no bound: what may be in flight is bounded before.

    Args:
        connect_seconds: the time for a connection, TLS included.
    """

    def __init__(self, connect_seconds: float) -> None:
        self._connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_SECONDS)
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_seconds)
        self._routes: LRUCache[_Key, _Route] = LRUCache(_MOST_ROUTES)

    async def close(self) -> None:
        """Close every connection."""
        await self._connector.close()

    async def exchange(self, request: UpstreamRequest, credentials: Credentials) -> Exchange:
        """Send a request, once, and return its answer as soon as the headers are there.

        Args:
            request: what to send; no HEAD.
            credentials: where it goes, and who speaks.

        Raises:
            aiohttp.ConnectionTimeoutError: there was no connection in time.
            aiohttp.ClientError, OSError, HttpProcessingError: there is no answer.
        """
        route = self._route_for(credentials)
        head = _head(request, route, credentials.authorization)
        connection = await self._connection(route)
        try:
            return await _answer(connection, head + (request.body or b""))
        except BaseException:
            abandon(connection)
            raise

    async def _connection(self, route: _Route) -> Connection:
        try:
            return await self._connector.connect(route.request, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error

    def _route_for(self, credentials: Credentials) -> _Route:
        key = (credentials.server, credentials.ssl_context, credentials.server_hostname, credentials.proxy)
        if (route := self._routes.get(key)) is None:
            route = self._routes[key] = _route(*key)
        return route


def abandon(connection: Connection) -> None:
    """Cut a connection: to close TLS politely takes an answer of the other side, which may be silent."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()


def _route(server: str, tls: ssl.SSLContext | bool, server_hostname: str | None, proxy: str | None) -> _Route:
    url = URL(server)
    request = ClientRequest(
        "GET", url, ssl=tls, server_hostname=server_hostname, proxy=None if proxy is None else URL(proxy)
    )
    head = f"Host: {url.host_port_subcomponent}\r\nUser-Agent: {USER_AGENT}\r\n"
    if proxy is None or url.scheme == "https":
        return _Route(request, url.raw_path.rstrip("/"), head)
    # Such a proxy is sent the whole URL, and is told who asks with each request: RFC 9112, section 3.2.2.
    authorization = aiohttp.helpers.strip_auth_from_url(URL(proxy))[1]
    if authorization is not None:
        head += f"Proxy-Authorization: {authorization.encode()}\r\n"
    return _Route(request, server, head)


def _head(request: UpstreamRequest, route: _Route, authorization: str | None) -> bytes:
    """Return a request's line and headers, whose bytes are those that came: RFC 9112, sections 3 and 5."""
    lines = [f"{name}: {value}\r\n" for name, value in request.headers.items()]
    if authorization is not None:
        lines.append(f"Authorization: {authorization}\r\n")
    if request.body is not None:
        lines.append(f"Content-Length: {len(request.body)}\r\n")
    text = "".join(lines)
    if text.count("\r") != len(lines) or text.count("\n") != len(lines) or "\0" in text:
        raise ValueError("a header's value has a line break, or NUL")
    line = f"{request.method} {route.before_path}{request.target} HTTP/1.1\r\n"
    return f"{line}{route.head}{text}\r\n".encode(errors="surrogateescape")


async def _answer(connection: Connection, request: bytes) -> Exchange:
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        raise aiohttp.ServerDisconnectedError
    protocol.set_response_params(
        read_until_eof=True,
        auto_decompress=False,
        read_bufsize=_READ_BUFFER_BYTES,
        max_line_size=_HEADER_LINE_BYTES,
        max_field_size=_HEADER_LINE_BYTES,
    )
    # In one piece: a body is 3 MiB at most, and how many writes there may be is bounded. And after the others of
    # this turn of the event loop, without a pause, so that an apiserver that is near need not be woken for each. An
    # argument of the callback would be in asyncio's own log, when that is told to be talkative.
    asyncio.get_running_loop().call_soon(lambda: transport.write(request))
    while True:
        message, content = await protocol.read()
        if not 100 <= message.code < 200:  # such an answer only says that another one comes
            return Exchange(message.code, message.headers, content, connection)
        if message.code == 101:
            raise HttpProcessingError(message="an upgrade that nobody has asked for")
