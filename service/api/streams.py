"""Every answer that lasts: each has an end, all end with the service, and none outlives its caller's rights."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from service.errors import ApiError, InternalError, ServiceUnavailable, Timeout

_log = structlog.stdlib.get_logger(__name__)

# Asks whether a stream may go on, and raises where it may not.
Review = Callable[[], Awaitable[None]]

# Between two attempts at a review to which there is no answer.
_PAUSE_SECONDS = 1.0


class Streams:
    """The streams, and the waits, that are open.

    Args:
        review_seconds: how often it is asked again whether a stream may go on.

    Attributes:
        ending: the service is shutting down.
    """

    def __init__(self, review_seconds: float) -> None:
        self.ending = False
        self._review_seconds = review_seconds
        self._open: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def lasting(self, seconds: float | None, review: Review | None) -> AsyncIterator[None]:
        """Let something last for a time, or until the service ends, or its caller may not go on.

        Args:
            seconds: the time; None for as long as it takes.
            review: asks whether it may; None where nobody has to be asked.

        Raises:
            TimeoutError: the time is over, or the service ends.
            ApiError: the caller may not go on, or nobody could say so for long.
        """
        refusals: list[ApiError] = []
        try:
            async with asyncio.timeout(0 if self.ending else seconds) as lifetime:
                self._open.add(lifetime)
                reviewing = review and asyncio.create_task(self._reviewed(review, lifetime, refusals))
                try:
                    yield
                finally:
                    self._open.discard(lifetime)
                    if reviewing:
                        reviewing.cancel()
                        await asyncio.gather(reviewing, return_exceptions=True)
        except TimeoutError:
            if refusals:
                raise refusals[0] from None
            raise

    def end(self) -> None:
        """End what is open, and whatever is opened from now on."""
        self.ending = True
        for lifetime in self._open:
            _end(lifetime)

    async def _reviewed(self, review: Review, lifetime: asyncio.Timeout, refusals: list[ApiError]) -> None:
        """Review again and again; what comes out as a no, or as nothing, ends the lifetime."""
        try:
            while True:
                # Streams that were opened together are not all reviewed in the same moment.
                await asyncio.sleep(self._review_seconds * random.uniform(0.8, 1.0))  # noqa: S311 (no secret)
                await self._review(review)
        except ApiError as refusal:
            refusals.append(refusal)
        except Exception:
            _log.exception("a bug: a stream ends, because it cannot be reviewed")
            refusals.append(InternalError("an internal error occurred while the stream was reviewed"))
        _end(lifetime)

    async def _review(self, review: Review) -> None:
        """Review once; an apiserver that is away for a moment ends no stream."""
        deadline = asyncio.get_running_loop().time() + self._review_seconds
        while True:
            try:
                return await review()
            except (ServiceUnavailable, Timeout):
                if asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)


def _end(lifetime: asyncio.Timeout) -> None:
    if not lifetime.expired():
        lifetime.reschedule(asyncio.get_running_loop().time())
