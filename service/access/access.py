"""Access: how callers are told apart, and what is asked before they are served. One class for each mode."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from multidict import CIMultiDictProxy

from service.access.caller import ANYONE, Caller
from service.access.review_cache import ReviewCache
from service.kube.client import KubeClient
from service.kube.reviews import AccessAttributes, UserInfo


class Access(Protocol):
    """A mode.

    Attributes:
        tells_apart: whether callers are told apart at all.
    """

    tells_apart: bool

    @property
    def caches(self) -> Mapping[str, ReviewCache[Any]]:
        """What is remembered of reviews: whose tokens are, and what callers may do."""

    async def authenticate(self, headers: CIMultiDictProxy[str]) -> Caller:
        """Return who calls.

        Raises:
            Unauthorized: the request does not say so in a way that is accepted.
            ServiceUnavailable, Timeout: the apiserver could not be asked.
        """

    def client_for(self, caller: Caller) -> KubeClient:
        """Return what speaks to the apiserver for a caller's calls."""

    async def authorize(self, caller: Caller, wanted: Sequence[AccessAttributes]) -> None:
        """Let a caller's call go on to the apiserver.

        Raises:
            Forbidden: the caller may not do this.
            Unauthorized: the caller's token is no longer accepted.
            ServiceUnavailable, Timeout: the apiserver could not be asked; nothing is allowed then.
        """

    async def authorize_shared(self, caller: Caller, wanted: Sequence[AccessAttributes]) -> None:
        """Let a caller see what the service has read in its own name for all. After `authorize`.

        Raises:
            Forbidden, Unauthorized, ServiceUnavailable, Timeout: as in `authorize`.
        """

    def still_lets(self, caller: Caller, wanted: Sequence[AccessAttributes]) -> bool:
        """Tell, and ask nobody, whether a call that was let go on is known to be one that would be again.

        Args:
            caller: who called, as `authenticate` returned it.
            wanted: what `authorize` and `authorize_shared` have let pass.
        """

    async def user_of(self, caller: Caller) -> UserInfo:
        """Return who a caller is to the apiserver; nobody where callers are not told apart.

        Raises:
            Unauthorized, ServiceUnavailable, Timeout: as in `authorize`.
        """


class NoAccessControl:
    """Mode `none`: whoever reaches the service acts with its credentials.

    Args:
        client: the service's own.
    """

    tells_apart = False
    caches: Mapping[str, ReviewCache[Any]] = MappingProxyType({})

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def authenticate(self, headers: CIMultiDictProxy[str]) -> Caller:
        """Return the one that all callers are."""
        del headers
        return ANYONE

    def client_for(self, caller: Caller) -> KubeClient:
        """Return the service's own client."""
        del caller
        return self._client

    async def authorize(self, caller: Caller, wanted: Sequence[AccessAttributes]) -> None:
        """Let everything go on."""

    async def authorize_shared(self, caller: Caller, wanted: Sequence[AccessAttributes]) -> None:
        """Let everything be seen."""

    def still_lets(self, caller: Caller, wanted: Sequence[AccessAttributes]) -> bool:
        """Tell that everything is let go on."""
        del caller, wanted
        return True

    async def user_of(self, caller: Caller) -> UserInfo:
        """Return nobody."""
        return caller.user
