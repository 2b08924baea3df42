"""Reads a watch of the apiserver, event by event.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from urllib.parse import urlencode

import msgspec

from service.kube.answers import Answer, Refused
from service.kube.client import KubeClient
from service.kube.jobs import resource_version_of
from service.kube.lists import JSON
from service.kube.objects import decoded
from service.kube.responses import UpstreamBroken, UpstreamResponse

_INITIAL_EVENTS_END = "k8s.io/initial-events-end"
# Larger than any Status that the apiserver was seen to write.
_STATUS_BYTES = 1024 * 1024
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


@asynccontextmanager
async def watching(
    client: KubeClient, path: str, parameters: Mapping[str, str], silence_seconds: float
) -> AsyncIterator[AsyncIterator[WatchEvent]]:
    """Watch a path, with bookmarks; leaving the context ends the watch.

    Args:
        client: the connections.
        path: the apiserver's path of a list.
        parameters: where the watch begins, and what it is limited to.
        silence_seconds: how long it may be silent.

    Yields:
        The events, as `events_of` reads them.

    Raises:
        ApiError: there is no answer.
        Refused: the watch was refused.
    """
    query = urlencode({"watch": "true", **parameters, "allowWatchBookmarks": "true"})
    async with await client.stream(path, query, JSON, silence_seconds) as upstream:
        if upstream.status != 200:
            body = await upstream.read(_STATUS_BYTES) or b""
            raise Refused(Answer(upstream.status, upstream.headers, body))
        async with aclosing(events_of(upstream)) as events:
            yield events


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
