"""Reads a watch of the apiserver, event by event.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from collections.abc import AsyncGenerator, AsyncIterator

import msgspec

from service.kube.client import UpstreamBroken, UpstreamResponse
from service.kube.jobs import decoded, resource_version_of

_INITIAL_EVENTS_END = "k8s.io/initial-events-end"
_BOOKMARK = (
    b'{"kind":"Job","apiVersion":"batch/v1","metadata":{"resourceVersion":"%d"%b},'
    b'"spec":{"template":{"metadata":{},"spec":{"containers":null}}},"status":{}}'
)


class WatchEvent(msgspec.Struct, frozen=True):
    """One line of a watch.

    Attributes:
        type: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.
        object: the object, or the Status of an ERROR, as JSON.
    """

    type: str
    object: bytes

    @property
    def resource_version(self) -> int:
        """The object's resourceVersion.

        Raises:
            msgspec.DecodeError: it has none.
        """
        return resource_version_of(self.object)

    @property
    def ends_initial_events(self) -> bool:
        """Whether it is the bookmark after the initial state: KEP-3157."""
        if self.type != "BOOKMARK":
            return False
        annotations = decoded(_bookmark, self.object).metadata.annotations
        return (annotations or {}).get(_INITIAL_EVENTS_END) == "true"


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Annotated(msgspec.Struct):
    annotations: dict[str, str] | None = None


class _Bookmark(msgspec.Struct):
    metadata: _Annotated


class _Status(msgspec.Struct):
    code: int = 0


_line = msgspec.json.Decoder(_Line)
_bookmark = msgspec.json.Decoder(_Bookmark)
_status = msgspec.json.Decoder(_Status)


def code_of(error: WatchEvent) -> int:
    """Return the code of an ERROR's Status; 0 where it has none."""
    try:
        return decoded(_status, error.object).code
    except msgspec.DecodeError:
        return 0


def bookmark(resource_version: int, *, ends_initial_events: bool = False) -> bytes:
    """Return the object of a BOOKMARK: a Job with a resourceVersion and no more, as the apiserver writes it."""
    end = b',"annotations":{"k8s.io/initial-events-end":"true"}' if ends_initial_events else b""
    return _BOOKMARK % (resource_version, end)


async def events_of(upstream: UpstreamResponse) -> AsyncGenerator[WatchEvent, None]:
    """Yield the events of a watch until upstream ends it.

    Raises:
        UpstreamBroken: it broke off, in the middle of a line or not; what was yielded before is whole.
    """
    async for line in _lines(upstream):
        try:
            event = decoded(_line, line)
        except msgspec.DecodeError as error:
            raise UpstreamBroken from error
        yield WatchEvent(event.type, bytes(event.object))


async def _lines(upstream: UpstreamResponse) -> AsyncIterator[bytes]:
    """Yield whole lines, however long; each byte is looked at once."""
    parts: list[bytes] = []
    async for chunk in upstream.chunks():
        first, *rest = chunk.split(b"\n")
        parts.append(first)
        for part in rest:
            if line := b"".join(parts):
                yield line
            parts = [part]
    if any(parts):
        raise UpstreamBroken("the last line is not whole")
