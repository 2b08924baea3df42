"""A watch's events as they are written: one JSON object a line, never indented.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/watch-event-v1-meta/
"""

from typing import Literal

from service.errors import ApiError
from service.sandbox.errors import NotAcceptable, status_of
from service.sandbox.http.negotiation import Representation
from service.sandbox.http.representations import of_object, written
from service.sandbox.http.tables import check_include_object
from service.sandbox.kinds import Kind
from service.sandbox.store import ChangeType, Object

_LINE = Representation()
_STREAMS = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
_INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}


class EventWriter:
    """Writes the events of one watch.

    Args:
        kind: that of the objects.
        representation: what the objects become.
        include_object: what of an object goes along with the row of a Table.

    Raises:
        NotAcceptable: it is a representation that is not streamed.
        BadRequest: `include_object` is none that there is.
    """

    def __init__(self, kind: Kind, representation: Representation, include_object: str) -> None:
        if representation.transformation == "Table":
            check_include_object(include_object)
        if representation.media_type != "application/json":
            raise NotAcceptable(f"only the following media types are accepted: {_STREAMS}")
        self._kind = kind
        self._representation = representation
        self._include = include_object
        self._is_first = True

    def change(self, change: ChangeType, content: Object) -> bytes:
        """Return the event that something happened to an object.

        Raises:
            NotAcceptable: the representation is that of a list.
        """
        return self._event(change, content, self._include)

    def bookmark(self, resource_version: int, *, ends_initial_events: bool) -> bytes:
        """Return the event that nothing else happened up to a resourceVersion.

        Raises:
            NotAcceptable: the representation is that of a list.
        """
        ends = {"annotations": _INITIAL_EVENTS_END} if ends_initial_events else {}
        blank = {"metadata": {"resourceVersion": str(resource_version), **ends}, **self._kind.blank}
        # Its row has the metadata also where the caller wants no objects, or there would be nothing in it.
        return self._event("BOOKMARK", blank, "" if self._include == "None" else self._include)

    def _event(self, type_: ChangeType | Literal["BOOKMARK"], content: Object, include_object: str) -> bytes:
        found = of_object(self._kind, content, self._representation, include_object)
        if self._representation.transformation == "Table" and not self._is_first:
            found["columnDefinitions"] = None
        self._is_first = False
        return written({"type": type_, "object": found}, _LINE)


def error_event(error: ApiError) -> bytes:
    """Return the event with which a watch ends that cannot go on; it is a Status whatever objects become."""
    return written({"type": "ERROR", "object": status_of(error)}, _LINE)
