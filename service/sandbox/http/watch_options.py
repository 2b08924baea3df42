"""What a watch asks for: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes."""

from dataclasses import dataclass

from multidict import MultiMapping

from service.sandbox.errors import raise_if_invalid
from service.sandbox.field_errors import FieldErrors
from service.sandbox.http import parameters
from service.sandbox.http.selection import Selection, read_selection
from service.sandbox.kinds import Kind

_NOT_OLDER_THAN = "NotOlderThan"


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What a watch asks for.

    Attributes:
        selection: which objects.
        resource_version: since when; 0 is for the present.
        initial_events: whether the objects that there are come first, as ADDED; None is for the apiserver to say.
        bookmarks: whether bookmarks are wanted.
        timeout_seconds: when the watch is to end; 0 and None are for the apiserver to say.
    """

    selection: Selection
    resource_version: int
    initial_events: bool | None
    bookmarks: bool
    timeout_seconds: int | None

    @property
    def begins_with_state(self) -> bool:
        """Whether the objects that there are come first, by the parameter or else because no past is named."""
        return not self.resource_version if self.initial_events is None else self.initial_events


def read_watch_options(query: MultiMapping[str], kind: Kind) -> WatchOptions:
    """Read the query of a watch; as by the apiserver, `limit` and `timeout` are ignored.

    Raises:
        BadRequest: a number or a selector cannot be read.
        ApiError: 422: what is asked for cannot be had together; 500: the resourceVersion is none.
    """
    parameters.int64(query, "limit")
    timeout = parameters.int64(query, "timeoutSeconds")
    selection = read_selection(query, kind)
    initial_events = parameters.boolean(query, "sendInitialEvents")
    _check_together(query, gives_initial_events=initial_events is not None)
    selection.check_fields()
    version = parameters.resource_version(query.get("resourceVersion", ""))
    bookmarks = parameters.boolean(query, "allowWatchBookmarks") or False
    return WatchOptions(selection, version, initial_events, bookmarks, timeout)


def _check_together(query: MultiMapping[str], *, gives_initial_events: bool) -> None:
    errors, field = FieldErrors(), "resourceVersionMatch"
    match, version = query.get(field, ""), query.get("resourceVersion", "")
    if gives_initial_events and match != _NOT_OLDER_THAN:
        errors.forbidden(field, f"sendInitialEvents requires setting resourceVersionMatch to {_NOT_OLDER_THAN}")
    if match and not gives_initial_events:
        errors.forbidden(field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
    if match not in {"", _NOT_OLDER_THAN}:
        errors.not_supported(field, match, (_NOT_OLDER_THAN,))
    # Where nothing is said of the past, the apiserver sets resourceVersionMatch by itself before it checks.
    is_set = match or (not version and not gives_initial_events)
    if is_set and query.get("continue"):
        errors.forbidden(field, "resourceVersionMatch is forbidden when continue is provided")
    raise_if_invalid("ListOptions", errors)
