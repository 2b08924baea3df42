"""What callers may do, as the apiserver's authorizers have decided."""

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from service.access.caller import Caller
from service.access.review_cache import ReviewCache
from service.kube.reviews import AccessAttributes, Decision

_MOST_DECISIONS = 50_000


class _Decided(NamedTuple):
    decision: Decision
    expires_at: float


class Decisions:
    """Decisions, of which a yes is remembered longer than a no, and none beyond the end of the caller's token.

    Args:
        allowed_seconds: for how long a yes is remembered.
        denied_seconds: for how long a no is.
    """

    def __init__(self, allowed_seconds: float, denied_seconds: float) -> None:
        self._allowed_seconds = allowed_seconds
        self._denied_seconds = denied_seconds
        self._decided: ReviewCache[_Decided] = ReviewCache(_MOST_DECISIONS, self._remembered_seconds)

    async def decision(
        self, caller: Caller, wanted: AccessAttributes, review: Callable[[], Awaitable[Decision]]
    ) -> Decision:
        """Return whether a caller may do something.

        Args:
            caller: the caller.
            wanted: what it is.
            review: asks the apiserver.

        Raises:
            Exception: whatever the review raises.
        """

        async def decide() -> _Decided:
            return _Decided(await review(), caller.expires_at)

        return (await self._decided.outcome((caller.key, wanted), decide)).decision

    def _remembered_seconds(self, decided: _Decided) -> float:
        decision, expires_at = decided
        if decision.allowed:
            return min(self._allowed_seconds, expires_at - time.time())
        return self._denied_seconds if decision.certain else 0.0
