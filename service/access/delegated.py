"""Mode `delegated`: the apiserver says who a caller is and what it may do; then the service acts for it.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication has the idea.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from multidict import CIMultiDictProxy

from service.access.bearer import digest, expiry_of, token_of
from service.access.caller import Caller, remembered_seconds
from service.access.decisions import Decisions
from service.access.review_cache import ReviewCache
from service.errors import Unauthorized
from service.kube.client import KubeClient
from service.kube.reviews import AccessAttributes, Reviewer, UserInfo
from service.metrics import Metrics
from service.settings import Settings

_MOST_IDENTITIES = 10_000


# Whose a token is that the apiserver does not accept.
_NOBODY = Caller()


class DelegatedAccess:
    """TokenReview and SubjectAccessReview for each call, remembered for the times that the settings say.

    Args:
        client: the service's own, whose account has to have the rights of system:auth-delegator.
        settings: the audience, and the times.
        metrics: counts the reviews.
    """

    tells_apart = True

    def __init__(self, client: KubeClient, settings: Settings, metrics: Metrics) -> None:
        self._client = client
        self._reviewer = Reviewer(client, settings.review_seconds, metrics)
        self._audience = settings.token_audience
        self._settings = settings
        self._identities: ReviewCache[Caller] = ReviewCache(_MOST_IDENTITIES, self._remembered_seconds)
        self._decisions = Decisions(settings.allowed_cache_seconds, settings.denied_cache_seconds)

    @property
    def caches(self) -> Mapping[str, ReviewCache[Any]]:
        """What is remembered, as in `Access`."""
        return {"identities": self._identities, "decisions": self._decisions.cache}

    async def authenticate(self, headers: CIMultiDictProxy[str]) -> Caller:
        """Return whose token it is, as in `Access`."""
        token = token_of(headers)
        credential = digest(token.encode())
        caller = await self._identities.outcome(credential, lambda: self._identify(token, credential))
        if caller is _NOBODY:
            raise Unauthorized("the apiserver does not accept the token")
        return caller

    def client_for(self, caller: Caller) -> KubeClient:
        """Return the service's own client: it acts for those whom `authorize` lets pass."""
        del caller
        return self._client

    async def authorize(self, caller: Caller, wanted: Sequence[AccessAttributes]) -> None:
        """Ask for each of what is wanted, as in `Access`."""
        review = partial(self._reviewer.review_access, caller.user)
        await self._decisions.require(caller, wanted, review, self.user_of)

    async def authorize_shared(self, caller: Caller, wanted: Sequence[AccessAttributes]) -> None:
        """Ask no more: what the service reads for one caller and for all is the same."""

    def still_lets(self, caller: Caller, wanted: Sequence[AccessAttributes]) -> bool:
        """Tell whether it is remembered whose token it is, and that all of it is allowed, as in `Access`."""
        known = self._identities.remembered(caller.credential)
        return known is caller and all(self._decisions.allows(caller, each) for each in wanted)

    async def user_of(self, caller: Caller) -> UserInfo:
        """Return the user of the token."""
        return caller.user

    async def _identify(self, token: str, credential: str) -> Caller:
        user = await self._reviewer.review_token(token, self._audience)
        if user is None:
            return _NOBODY
        key = digest(msgspec.json.encode(user, order="deterministic"))
        return Caller(key=key, user=user, expires_at=expiry_of(token), credential=credential)

    def _remembered_seconds(self, caller: Caller) -> float:
        if caller is _NOBODY:
            return self._settings.denied_cache_seconds
        return remembered_seconds(self._settings.identity_cache_seconds, caller.expires_at)
