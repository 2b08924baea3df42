"""Reads of one Job that have been through every check before: what was found out is true of the same again.

All that a check goes by is in a request's line and headers, in what reviews have said, and in the settings. So a
request with the same line and the same headers differs from the one before in nothing but what may have changed
meanwhile, and only that is looked at anew (`service.api.prompt_reads`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from cachetools import LRUCache

from service.access.bearer import digest
from service.access.caller import Caller
from service.kube.reviews import AccessAttributes

# About 2 kB each.
_MOST_READS = 4096
# Of a target and the headers that decide: they may be 256 kB, and nobody is to fill the memory with 4096 of those.
_LONGEST_KEY = 4096
_AUTHORIZATION = b"authorization"
# Headers that decide something about such a read.
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

RawHeaders = Sequence[tuple[bytes, bytes]]
_Key = tuple[str | bytes, ...]


class KnownRead(NamedTuple):
    """What is known of a read.

    Attributes:
        caller: who asked.
        wanted: what it took to be allowed.
        namespace: the Job's namespace, checked.
        name: the Job's name, checked.
        raw_path: the path as it came.
        oldest: the resourceVersion that the cache has to have reached; None for a read that goes upstream.
        upstream_path: the path that is asked for upstream.
        upstream_query: the query that goes along.
    """

    caller: Caller
    wanted: Sequence[AccessAttributes]
    namespace: str
    name: str
    raw_path: str
    oldest: int | None
    upstream_path: str
    upstream_query: str


class KnownReads:
    """Reads by all that could make a difference to one; the one that was not asked for longest goes first."""

    def __init__(self) -> None:
        self._reads: LRUCache[_Key, KnownRead] = LRUCache(_MOST_READS)

    def learn(self, target: str, headers: RawHeaders, read: KnownRead) -> None:
        """Keep what was found out about a GET that has been answered, unless it takes more than one is worth.

        Args:
            target: the path and the query, as they came.
            headers: the headers, as they came.
            read: what is known.
        """
        key = _key(target, headers)
        if key is not None and sum(map(len, key)) <= _LONGEST_KEY:
            self._reads[key] = read

    def find(self, target: str, headers: RawHeaders) -> KnownRead | None:
        """Return what is known of a GET; None for nothing."""
        key = _key(target, headers)
        try:  # get() would look it up twice
            return None if key is None else self._reads[key]
        except KeyError:
            return None

    def forget(self, target: str, headers: RawHeaders) -> None:
        """Let a GET go through every check again."""
        if (key := _key(target, headers)) is not None:
            self._reads.pop(key, None)


def _key(target: str, headers: RawHeaders) -> _Key | None:
    """Return all that could make a difference, with a digest in a token's place; None where that is not known."""
    key: list[str | bytes] = [target]
    for raw_name, value in headers:
        name = raw_name.lower()
        if name in _IGNORED:
            continue
        if name in _DECIDING:
            key += name, value
        elif name == _AUTHORIZATION:
            key += name, digest(value)
        else:
            return None
    return tuple(key)
