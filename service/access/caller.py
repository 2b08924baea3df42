"""Who is calling."""

import time
from dataclasses import dataclass, field

from service.kube.reviews import UserInfo

_NOT_ASKED = UserInfo()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One who calls, as far as that is known.

    Attributes:
        key: tells apart what may differ in its rights: a digest, from which nothing can be learned; empty where all
            callers are one.
        user: who that is to the apiserver; nobody where it was not asked.
        expires_at: when the caller's token ends by its own claim, as seconds since 1970.
        authorization: the Authorization header that goes upstream in the caller's own name; None where the service
            speaks for itself.
    """

    key: str = ""
    user: UserInfo = _NOT_ASKED
    expires_at: float = float("inf")
    authorization: str | None = field(default=None, repr=False)


ANYONE = Caller()


def remembered_seconds(most: float, expires_at: float) -> float:
    """Return for how long something may be remembered of a token: for a time, and never beyond its own end.

    Args:
        most: the time, in seconds.
        expires_at: the token's end, as seconds since 1970.
    """
    return min(most, expires_at - time.time())
