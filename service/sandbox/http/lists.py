"""Lists: what is selected, in pages that all show the same moment.

https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

import base64
import binascii
import json
import posixpath
from dataclasses import dataclass
from typing import Any

from multidict import MultiMapping

from service.errors import BadRequest
from service.sandbox.errors import Refused, raise_if_invalid, too_large_resource_version
from service.sandbox.field_errors import FieldErrors
from service.sandbox.http import parameters
from service.sandbox.http.selection import Selection, path_in, read_selection
from service.sandbox.kinds import Kind
from service.sandbox.store import ExpiredError, Store, Stored

_TOKEN_VERSION = "meta.k8s.io/v1"  # noqa: S105 (of a continue token)
# The resourceVersion of a token that goes on with the present state, after the past was forgotten.
_PRESENT = -1
_TOO_OLD = "The resourceVersion for the provided list is too old."
_CONTINUE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
    "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
    "modified, or deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a LIST asks for.

    Attributes:
        selection: which objects.
        limit: how many items at most; 0 for all.
        token: the `continue` parameter.
        resource_version: as it was given.
        match: resourceVersionMatch.
    """

    selection: Selection
    limit: int
    token: str
    resource_version: str
    match: str


@dataclass(frozen=True, slots=True)
class Page:
    """A list, or a part of one.

    Attributes:
        metadata: the list's.
        items: what it holds.
    """

    metadata: dict[str, Any]
    items: list[Stored]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What a page is a part of: a moment, and where in the order of paths the page begins."""

    resource_version: int
    start: str
    at: int | None


def read_list_options(query: MultiMapping[str], kind: Kind) -> ListOptions:
    """Read the query of a LIST.

    Raises:
        BadRequest: a number or a selector cannot be read.
        ApiError: 422: what is asked for cannot be had together.
    """
    limit = parameters.int64(query, "limit") or 0
    parameters.int64(query, "timeoutSeconds")
    selection = read_selection(query, kind)
    version, match, token = (
        query.get(name, "") for name in ("resourceVersion", "resourceVersionMatch", "continue")
    )
    _check_together(version, match, token, sends_events=parameters.boolean(query, "sendInitialEvents") is not None)
    selection.check_fields()
    return ListOptions(selection, max(limit, 0), token, version, match)


def list_page(store: Store, kind: Kind, namespace: str | None, options: ListOptions) -> Page:
    """Return the page of a list that is asked for; namespace None is all of them.

    Raises:
        BadRequest: the continue token, or the resourceVersion, is none.
        Refused: 410: the moment that is asked for is forgotten; 504: it is not there yet.
    """
    path = path_in(namespace)
    snapshot = _continued(store, options) if options.token else _first(store, options)
    try:
        objects = store.list(kind.plural, namespace, at=snapshot.at)
    except ExpiredError:
        raise _expired(snapshot, continued=bool(options.token)) from None
    places = {path(stored): stored for stored in objects}
    rest = [(place, places[place]) for place in sorted(places) if place >= snapshot.start]
    return _page(options, snapshot.resource_version, rest)


def _check_together(version: str, match: str, token: str, *, sends_events: bool) -> None:
    """Check what a list may combine: https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list."""
    errors, field = FieldErrors(), "resourceVersionMatch"
    if match:
        if not version:
            errors.forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided")
        if token:
            errors.forbidden(field, "resourceVersionMatch is forbidden when continue is provided")
        if match not in {"Exact", "NotOlderThan"}:
            errors.not_supported(field, match, ("Exact", "NotOlderThan", ""))
        if match == "Exact" and version == "0":
            errors.forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    if sends_events:
        errors.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")
    raise_if_invalid("ListOptions", errors)


def _first(store: Store, options: ListOptions) -> _Snapshot:
    """Return the moment that the first, or the only, page shows."""
    try:
        asked = parameters.resource_version(options.resource_version)
    except Refused as refusal:
        raise BadRequest(f"invalid resource version: {refusal.message}") from None
    if asked > store.resource_version:
        raise too_large_resource_version(asked, store.resource_version)
    is_exact = options.match == "Exact" or (not options.match and options.limit > 0)
    if asked and is_exact:
        return _Snapshot(asked, "", asked)
    return _Snapshot(store.resource_version, "", None)


def _continued(store: Store, options: ListOptions) -> _Snapshot:
    """Return the moment and the place that a continue token names."""
    version, start = _decoded(options.token)
    if options.resource_version not in {"", "0"}:
        raise BadRequest("specifying resource version is not allowed when using continue")
    if version < 0:
        return _Snapshot(store.resource_version, start, None)
    if version > store.resource_version:
        raise too_large_resource_version(version, store.resource_version)
    return _Snapshot(version, start, version)


def _page(options: ListOptions, version: int, rest: list[tuple[str, Stored]]) -> Page:
    """Return what is selected of the rest of a list, up to the limit; of a list of any version there is none."""
    is_of_any_version = options.resource_version == "0" and not options.token
    selection = options.selection
    limit = 0 if is_of_any_version or selection.names_one else options.limit
    items: list[Stored] = []
    last, metadata = "", {"resourceVersion": str(version)}
    for place, stored in rest:
        if limit and len(items) >= limit:
            more: dict[str, Any] = {"continue": _encoded(version, last + "\0")}
            if selection.is_everything:
                more["remainingItemCount"] = len(rest) - limit
            return Page({**metadata, **more}, items)
        if selection.includes(stored):
            items.append(stored)
            last = place
    return Page(metadata, items)


def _expired(snapshot: _Snapshot, *, continued: bool) -> Refused:
    if not continued:
        return Refused(_TOO_OLD, code=410, reason="Expired")
    token = _encoded(_PRESENT, snapshot.start)
    return Refused(_CONTINUE_TOO_OLD, code=410, reason="Expired", continue_token=token)


def _encoded(resource_version: int, start: str) -> str:
    token = json.dumps({"v": _TOKEN_VERSION, "rv": resource_version, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


def _decoded(token: str) -> tuple[int, str]:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        content = json.loads(text)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _invalid(f": {error}") from None
    if not isinstance(content, dict):
        raise _invalid(": json: cannot unmarshal into Go value of type storage.continueToken")
    version, start, format_ = content.get("rv", 0), content.get("start", ""), content.get("v", "")
    if format_ != _TOKEN_VERSION:
        raise _invalid(f": server does not recognize this encoded version {format_}")
    if not isinstance(version, int) or not version:
        raise _invalid(f": incorrect encoded start resourceVersion (version {_TOKEN_VERSION})")
    if not isinstance(start, str) or not start:
        raise _invalid(f": encoded start key empty (version {_TOKEN_VERSION})")
    rooted = start if start.startswith("/") else f"/{start}"
    if posixpath.normpath(rooted) != rooted:
        raise _invalid(f": {start}")
    return version, rooted


def _invalid(problem: str) -> BadRequest:
    return BadRequest(f"invalid continue token: continue key is not valid{problem}")
