"""Calls that have been through every check before: what was found out is true of the same again.

All that a check goes by is in a request's line and headers, in what reviews have said, and in the settings. So a
request with the same line and the same headers differs from the one before in nothing but its body, and in what may
have changed meanwhile. Only that is looked at anew (`service.api.prompt_calls`).
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from cachetools import LRUCache

from service.access.bearer import digest
from service.access.caller import Caller
from service.kube.reviews import AccessAttributes

# About 2 kB each.
_MOST_CALLS = 4096
# Of a target and the headers that decide: they may be 256 kB, and nobody is to fill the memory with 4096 of those.
_LONGEST_KEY = 4096
_AUTHORIZATION = b"authorization"
# Headers that decide something about such a call.
_DECIDING = frozenset((b"host", b"accept", b"accept-encoding"))
# Headers that decide nothing about any. One that is in neither set may, so a request with it is never known.
_IGNORED = frozenset(
    (
        # Whether a connection is kept is asked of each message.
        *(b"connection", b"keep-alive", b"user-agent", b"accept-language", b"cache-control", b"pragma", b"dnt"),
        *(b"x-request-id", b"traceparent", b"tracestate", b"baggage", b"priority", b"referer"),
        *(b"via", b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port"),
        *(b"x-forwarded-proto", b"x-forwarded-client-cert", b"x-real-ip", b"x-envoy-attempt-count"),
        *(b"x-envoy-external-address", b"b3", b"x-b3-traceid", b"x-b3-spanid", b"x-b3-parentspanid"),
        *(b"x-b3-sampled", b"x-b3-flags"),
    )
)
# The same of a POST, whose body is asked itself how long it is.
_DECIDING_OF_POST = _DECIDING | {b"content-type"}
_IGNORED_OF_POST = _IGNORED | {b"content-length"}

RawHeaders = Sequence[tuple[bytes, bytes]]
Kind: TypeAlias = Literal["cached", "get", "create"]
_Key = tuple[str | bytes, ...]


class KnownCall(NamedTuple):
    """What is known of a call.

    Attributes:
        kind: a read from the cache, a read that goes upstream, or a create.
        caller: who called.
        wanted: what it took to be allowed.
        namespace: the Job's namespace, checked.
        name: the Job's name, checked; empty for a create.
        raw_path: the path as it came.
        asked: the query, checked.
        upstream_path: the path that is asked for upstream.
        upstream_query: the query that goes along.
    """

    kind: Kind
    caller: Caller
    wanted: Sequence[AccessAttributes]
    namespace: str
    name: str
    raw_path: str
    asked: Mapping[str, str]
    upstream_path: str
    upstream_query: str


class KnownCalls:
    """Calls by all that could make a difference to one; the one that was not made for longest goes first."""

    def __init__(self) -> None:
        self._calls: LRUCache[_Key, KnownCall] = LRUCache(_MOST_CALLS)

    def learn(self, method: str, target: str, headers: RawHeaders, call: KnownCall) -> None:
        """Keep what was found out about a call that has been answered, unless it takes more than one is worth.

        Args:
            method: GET or POST.
            target: the path and the query, as they came.
            headers: the headers, as they came.
            call: what is known.
        """
        key = _key(method, target, headers)
        if key is not None and sum(map(len, key)) <= _LONGEST_KEY:
            self._calls[key] = call

    def find(self, method: str, target: str, headers: RawHeaders) -> KnownCall | None:
        """Return what is known of a call; None for nothing."""
        key = _key(method, target, headers)
        try:  # get() would look it up twice
            return None if key is None else self._calls[key]
        except KeyError:
            return None

    def forget(self, method: str, target: str, headers: RawHeaders) -> None:
        """Let a call go through every check again."""
        if (key := _key(method, target, headers)) is not None:
            self._calls.pop(key, None)


def _key(method: str, target: str, headers: RawHeaders) -> _Key | None:
    """Return all that could make a difference, with a digest in a token's place; None where that is not known."""
    if method == "GET":
        deciding, ignored = _DECIDING, _IGNORED
    elif method == "POST":
        deciding, ignored = _DECIDING_OF_POST, _IGNORED_OF_POST
    else:
        return None
    key: list[str | bytes] = [method, target]
    for raw_name, value in headers:
        name = raw_name.lower()
        if name in ignored:
            continue
        if name in deciding:
            key += name, value
        elif name == _AUTHORIZATION:
            key += name, digest(value)
        else:
            return None
    return tuple(key)
