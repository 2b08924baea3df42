"""How a watch is written: as Kubernetes' lines, or as server-sent events.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from typing import Protocol

from service.api.answers import EVENT_STREAM, JSON, Header

LAST_EVENT_ID = Header("Last-Event-ID", "where server-sent events are to go on; a browser sends it by itself")
# Until a browser whose place is lost connects again, in milliseconds.
_RETRY_MILLISECONDS = 5000


class Framing(Protocol):
    """Writes a watch in one form; objects are JSON without line breaks.

    Attributes:
        content_type: the form's media type.
        tells_completion: whether the bookmark after the initial state is told to those too who want no bookmarks.
    """

    content_type: str
    tells_completion: bool

    def event(self, type_: str, content: bytes, resource_version: int | None) -> bytes:
        """Return an event; its resourceVersion is None as long as nobody could go on from it."""

    def place(self, resource_version: int) -> bytes:
        """Return what tells a reader from where it can go on, when there is no event to tell it."""

    def expired(self, status: bytes) -> bytes:
        """Return the last event of a stream that cannot be gone on with."""

    def comment(self) -> bytes:
        """Return what keeps proxies from taking the stream for dead; may be empty."""


class KubernetesLines:
    """One JSON event a line, as the apiserver writes them."""

    content_type = JSON
    tells_completion = False

    def event(self, type_: str, content: bytes, resource_version: int | None) -> bytes:
        """Return a line."""
        return b'{"type":"%b","object":%b}\n' % (type_.encode(), content)

    def place(self, resource_version: int) -> bytes:
        """Return nothing: a reader knows the last object's resourceVersion, and may ask for bookmarks."""
        return b""

    def expired(self, status: bytes) -> bytes:
        """Return an ERROR like any other."""
        return self.event("ERROR", status, None)

    def comment(self) -> bytes:
        """Return nothing: there are no comments in JSON."""
        return b""


class ServerSentEvents:
    """The same events for an EventSource, whose Last-Event-ID is a resourceVersion."""

    content_type = EVENT_STREAM
    # A page cannot see an id without an event: it would not know whether a connection that is made anew goes on or
    # begins again. One that listens for no bookmarks is not disturbed by this.
    tells_completion = True

    def event(self, type_: str, content: bytes, resource_version: int | None) -> bytes:
        """Return an event of that type; an EventSource that is cut off sends the last id that it saw."""
        place = b"" if resource_version is None else b"id: %d\n" % resource_version
        return b"event: %b\n%bdata: %b\n\n" % (type_.encode(), place, content)

    def place(self, resource_version: int) -> bytes:
        """Return an id without an event, which a browser remembers and does not show."""
        return b"id: %d\n\n" % resource_version

    def expired(self, status: bytes) -> bytes:
        """Return an ERROR that makes a browser forget its place and, after a while, start afresh by itself."""
        return b"event: ERROR\nid:\nretry: %d\ndata: %b\n\n" % (_RETRY_MILLISECONDS, status)

    def comment(self) -> bytes:
        """Return a line that readers skip."""
        return b":\n\n"
