"""Keeps a request from being sent twice."""

import aiohttp


class SendOnce:
    """Keeps aiohttp from sending a request again, which it does once for GET and DELETE when a connection drops.

    Its replay calls the client middlewares again, so the second call is answered with the first one's failure.
    """

    def __init__(self) -> None:
        self._failure: Exception | None = None

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Send a request; refuse to do so again.

        Raises:
            Exception: whatever the sending raised, the second time too.
        """
        if self._failure is not None:
            raise self._failure
        try:
            return await handler(request)
        except Exception as error:
            self._failure = error
            raise
