"""What callers may do, as the apiserver's authorizers have decided."""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from service.access.caller import Caller, remembered_seconds
from service.access.denial import denial
from service.access.review_cache import ReviewCache
from service.kube.reviews import AccessAttributes, Decision, UserInfo

_MOST_DECISIONS = 50_000


class _Decided(NamedTuple):
    decision: Decision
    expires_at: float


class Decisions:
    """Decisions, of which a yes is remembered longer than a no, and none beyond the end of the caller's token.

    Args:
        allowed_seconds: for how long a yes is remembered.
        denied_seconds: for how long a no is.

    Attributes:
        cache: the decisions that are remembered.
    """

    def __init__(self, allowed_seconds: float, denied_seconds: float) -> None:
        self._allowed_seconds = allowed_seconds
        self._denied_seconds = denied_seconds
        self.cache: ReviewCache[_Decided] = ReviewCache(_MOST_DECISIONS, self._remembered_seconds)

    async def require(
        self,
        caller: Caller,
        wanted: Iterable[AccessAttributes],
        review: Callable[[AccessAttributes], Awaitable[Decision]],
        user_of: Callable[[Caller], Awaitable[UserInfo]],
    ) -> None:
        """Let a caller pass who may do all of what is wanted.

        Args:
            caller: the caller.
            wanted: what the caller wants to do.
            review: asks the apiserver.
            user_of: tells who the caller is, for the one who is told no.

        Raises:
            Forbidden: the caller may not do one of them.
            Exception: whatever the review raises.
        """
        for attributes in wanted:
            decision = await self._decision(caller, attributes, review)
            if not decision.allowed:
                raise denial((await user_of(caller)).username, attributes, decision.reason)

    def allows(self, caller: Caller, attributes: AccessAttributes) -> bool:
        """Tell whether a yes is remembered."""
        decided = self.cache.remembered((caller.key, attributes))
        return decided is not None and decided.decision.allowed

    async def _decision(
        self,
        caller: Caller,
        attributes: AccessAttributes,
        review: Callable[[AccessAttributes], Awaitable[Decision]],
    ) -> Decision:
        async def decide() -> _Decided:
            return _Decided(await review(attributes), caller.expires_at)

        return (await self.cache.outcome((caller.key, attributes), decide)).decision

    def _remembered_seconds(self, decided: _Decided) -> float:
        decision, expires_at = decided
        if decision.allowed:
            return remembered_seconds(self._allowed_seconds, expires_at)
        return self._denied_seconds if decision.certain else 0.0
