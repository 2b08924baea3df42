"""The connections to one apiserver: what is sent over them, and what becomes of a request without an answer.

What goes wrong before an answer's headers becomes an ApiError; what goes wrong after them is an `UpstreamBroken`,
because by then the caller may have been promised a body.
"""

import asyncio
import logging
import time
from collections import Counter

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from service.errors import ApiError, ServiceUnavailable, Timeout
from service.kube.credentials import Credentials
from service.kube.exchange import ConnectionPool
from service.kube.requests import UpstreamRequest
from service.kube.responses import UpstreamResponse
from service.kube.verbs import verb_and_resource
from service.metrics import Metrics
from service.settings import Settings

logger = logging.getLogger(__name__)

_NEVER_SENT = (
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)
# A connection that is aborted is gone within a few turns of the event loop.
_GIVEN_UP_SECONDS = 1.0
_OUTCOME_UNKNOWN = "whether it was carried out is unknown: GET the Job before you try again"


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
        self._calls = ConnectionPool(settings.upstream_connect_seconds)
        self._streams = ConnectionPool(settings.upstream_connect_seconds)

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
        pool = self._streams if request.streams else self._calls
        verb, resource = verb_and_resource(request.method, request.path, streams=request.streams)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(request.first_byte_seconds or self._settings.upstream_first_byte_seconds):
                answer = await pool.exchange(request, credentials)
        except (aiohttp.ClientError, OSError, HttpProcessingError) as error:
            self._metrics.upstream(verb, resource, 0, time.perf_counter() - began)
            raise _failure(request, error) from error
        self._metrics.upstream(verb, resource, answer.status, time.perf_counter() - began)
        seconds = request.silence_seconds or self._settings.chunk_seconds
        if not request.streams:
            return UpstreamResponse(answer, seconds, self._closing)
        self.open_streams[resource] += 1
        return UpstreamResponse(answer, seconds, self._closing, lambda: self.open_streams.subtract([resource]))


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
