"""KubeClient: speaks to the apiserver as the service, or in a caller's own name.

It sends what it is given and hands back an answer whose body is still on the way.
"""

import asyncio
import copy
import logging
from collections.abc import Mapping

from service.errors import ServiceUnavailable, TooManyRequests
from service.kube.connections import Connections
from service.kube.credentials import Credentials, CredentialsError, CredentialSource
from service.kube.requests import UpstreamRequest
from service.kube.responses import UpstreamResponse
from service.metrics import Metrics
from service.settings import Settings, flag_of

logger = logging.getLogger(__name__)


class KubeClient:
    """Sends requests to one apiserver with the service's own credentials.

    Args:
        credentials: who the service is; asked for each request.
        settings: the deadlines, and how many writes there may be at a time.
        metrics: counts what is asked of the apiserver.
    """

    def __init__(self, credentials: CredentialSource, settings: Settings, metrics: Metrics) -> None:
        self._credentials = credentials
        self._metrics = metrics
        self._drain_seconds = settings.shutdown_drain_seconds
        self._connections = Connections(settings, metrics)
        self._most_writes = settings.max_requests_inflight
        self._writes: set[asyncio.Task[UpstreamResponse]] = set()
        self._caller_authorization: str | None = None

    def speaking_for(self, authorization: str) -> "KubeClient":
        """Return a client on the same connections that speaks in a caller's name, and never in the service's.

        The apiserver's 401 to it is an answer like any other. It needs no closing.

        Args:
            authorization: the caller's Authorization header.
        """
        client = copy.copy(self)
        client._caller_authorization = authorization
        return client

    @property
    def writes_in_flight(self) -> int:
        """How many writes have no answer yet, those included whose callers have left."""
        return len(self._writes)

    @property
    def open_streams(self) -> Mapping[str, int]:
        """How many streams are open, by resource."""
        return self._connections.open_streams

    async def close(self) -> None:
        """Wait for the writes that are still under way, for as long as a drain may take; then close everything."""
        if self._writes:
            _, overdue = await asyncio.wait(self._writes, timeout=self._drain_seconds)
            for write in overdue:
                write.cancel()
            await asyncio.gather(*overdue, return_exceptions=True)
        await self._connections.close()

    async def read(self, path: str, query: str, headers: Mapping[str, str]) -> UpstreamResponse:
        """GET a path.

        Args:
            path: the path on the apiserver, made of checked names.
            query: the query string, encoded, without `?`; empty for none.
            headers: the request headers that go along.

        Raises:
            ApiError: there is no answer; see section 2 of the contract for the codes.
        """
        return await self._ask(UpstreamRequest(method="GET", path=path, query=query, headers=headers))

    async def stream(
        self,
        path: str,
        query: str,
        headers: Mapping[str, str],
        silence_seconds: float,
        *,
        first_byte_seconds: float | None = None,
    ) -> UpstreamResponse:
        """GET a path whose answer lasts, such as a watch.

        Args:
            path: as in `read`.
            query: as in `read`.
            headers: as in `read`.
            silence_seconds: how long it may be silent.
            first_byte_seconds: until it begins, where that may take longer than of others.

        Raises:
            ApiError: as in `read`.
        """
        return await self._ask(
            UpstreamRequest(
                method="GET",
                path=path,
                query=query,
                headers=headers,
                streams=True,
                silence_seconds=silence_seconds,
                first_byte_seconds=first_byte_seconds,
            )
        )

    async def review(self, path: str, body: bytes) -> UpstreamResponse:
        """POST a review, which asks something and changes nothing.

        Args:
            path: as in `read`.
            body: the review, as JSON.

        Raises:
            ApiError: as in `read`.
        """
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        return await self._ask(UpstreamRequest(method="POST", path=path, query="", headers=headers, body=body))

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
            TooManyRequests: with those that go on without their callers, there are as many as there may be.
            ApiError: there is no answer; a 504 says that the outcome is unknown.
        """
        if len(self._writes) >= self._most_writes:
            self._metrics.rejected("writes")
            most = f"{self._most_writes} at a time ({flag_of('max_requests_inflight')})"
            raise TooManyRequests(f"too many writes in flight, some without their callers: no more than {most}")
        request = UpstreamRequest(method=method, path=path, query=query, headers=headers, body=body, changes=True)
        write = asyncio.create_task(self._ask(request))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)
        try:
            return await asyncio.shield(write)
        except asyncio.CancelledError:
            write.add_done_callback(_close_unclaimed)
            raise

    async def _ask(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send, and once more if our credentials were refused and newer ones are at hand.

        A request that was answered 401 was not carried out, so this holds for writes too.
        """
        credentials = await self._current_credentials()
        if self._caller_authorization is not None:
            return await self._connections.send(request, credentials.speaking_for(self._caller_authorization))
        response = await self._connections.send(request, credentials)
        if response.status != 401:
            return response
        response.close()
        renewed = await self._credentials.renewed(credentials)
        if renewed != credentials:
            response = await self._connections.send(request, renewed)
            if response.status != 401:
                return response
            response.close()
        self._metrics.credentials_refused()
        logger.error("the apiserver refuses the credentials of %s", self._credentials.origin)
        raise ServiceUnavailable("the apiserver does not accept the service's own credentials")

    async def _current_credentials(self) -> Credentials:
        try:
            return await self._credentials.current()
        except CredentialsError as error:
            logger.error("%s", error)  # noqa: TRY400 (its text is the whole story)
            raise ServiceUnavailable("the service has no credentials for the apiserver") from error


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
