"""Who is calling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One who calls, as far as that is known.

    Attributes:
        key: tells callers apart, for limits and caches: a digest, from which nothing can be learned; empty where
            all callers are one.
        username: the name that the apiserver knows; empty where nobody has asked for it.
        uid: what tells this user from others who had the name before; may be empty.
        groups: the groups that the user is in.
        extra: what else the authenticator says of the user.
        authorization: the Authorization header that goes upstream in the caller's own name; None where the service
            speaks for itself.
    """

    key: str = ""
    username: str = ""
    uid: str = ""
    groups: Sequence[str] = ()
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)
    authorization: str | None = field(default=None, repr=False)


ANYONE = Caller()
