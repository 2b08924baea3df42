"""Mode `passthrough`: the caller's own token goes upstream, and the apiserver decides."""

from collections.abc import Mapping, Sequence
from typing import Any

from multidict import CIMultiDictProxy

from service.access.bearer import digest, expiry_of, token_of
from service.access.caller import Caller, remembered_seconds
from service.access.decisions import Decisions
from service.access.review_cache import ReviewCache
from service.kube.client import KubeClient
from service.kube.reviews import AccessAttributes, Reviewer, UserInfo
from service.metrics import Metrics
from service.settings import Settings

_MOST_IDENTITIES = 10_000


class PassthroughAccess:
    """Nothing is asked before a call; what the service shares among callers takes a SelfSubjectAccessReview.

    Args:
        client: the service's own, on whose connections callers speak for themselves.
        settings: the times.
        metrics: counts the reviews.
    """

    tells_apart = True

    def __init__(self, client: KubeClient, settings: Settings, metrics: Metrics) -> None:
        self._client = client
        self._metrics = metrics
        self._review_seconds = settings.review_seconds
        self._identity_seconds = settings.identity_cache_seconds
        self._identities: ReviewCache[Caller] = ReviewCache(_MOST_IDENTITIES, self._remembered_seconds)
        # One review says both, whose the token is and what that user may do.
        allowed_seconds = min(settings.identity_cache_seconds, settings.allowed_cache_seconds)
        self._decisions = Decisions(allowed_seconds, settings.denied_cache_seconds)

    @property
    def caches(self) -> Mapping[str, ReviewCache[Any]]:
        """What is remembered, as in `Access`."""
        return {"identities": self._identities, "decisions": self._decisions.cache}

    async def authenticate(self, headers: CIMultiDictProxy[str]) -> Caller:
        """Return one who has a token; whether it is a good one is the apiserver's to say."""
        token = token_of(headers)
        return Caller(key=digest(token.encode()), expires_at=expiry_of(token), authorization=f"Bearer {token}")

    def client_for(self, caller: Caller) -> KubeClient:
        """Return a client that speaks with the caller's token, and carries no credentials of the service."""
        return self._client.speaking_for(caller.authorization or "")

    async def authorize(self, caller: Caller, wanted: Sequence[AccessAttributes]) -> None:
        """Let everything go on to the apiserver, which decides."""

    async def authorize_shared(self, caller: Caller, wanted: Sequence[AccessAttributes]) -> None:
        """Ask for each of what is wanted in the caller's name, as in `Access`."""
        review = self._reviewer_for(caller).review_self_access
        await self._decisions.require(caller, wanted, review, self.user_of)

    def still_lets(self, caller: Caller, wanted: Sequence[AccessAttributes]) -> bool:
        """Remember nothing, for that would be the caller's token."""
        del caller, wanted
        return False

    async def user_of(self, caller: Caller) -> UserInfo:
        """Return whose token it is, by a SelfSubjectReview."""

        async def identify() -> Caller:
            user = await self._reviewer_for(caller).review_self()
            return Caller(key=caller.key, user=user, expires_at=caller.expires_at)

        return (await self._identities.outcome(caller.key, identify)).user

    def _remembered_seconds(self, caller: Caller) -> float:
        return remembered_seconds(self._identity_seconds, caller.expires_at)

    def _reviewer_for(self, caller: Caller) -> Reviewer:
        return Reviewer(self.client_for(caller), self._review_seconds, self._metrics)
