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
        credential: a digest of the token, under which it is remembered whose it is; empty where it is not.
        authorization: the Authorization header that goes upstream in the caller's own name; None where the service
            speaks for itself.
    """

    key: str = ""
    user: UserInfo = _NOT_ASKED
    expires_at: float = float("inf")
    credential: str = ""
    authorization: str | None = field(default=None, repr=False)

    @property
    def admission_key(self) -> str:
        """Whose requests count together: a user's key is another with each token.

        Authenticators tell tokens apart too (KEP-4193).
        """
        return self.user.username or self.key


ANYONE = Caller()


def remembered_seconds(most: float, expires_at: float) -> float:
    """Return for how long something may be remembered of a token: for a time, and never beyond its own end.

    Args:
        most: the time, in seconds.
        expires_at: the token's end, as seconds since 1970.
    """
    return min(most, expires_at - time.time())
