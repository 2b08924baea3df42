"""What a watch asks for, where it asks for something that the shared window can serve.

https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-watch
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from service.api.query import is_true
from service.errors import BadRequest, shown

# How long the apiserver lets a watch last that does not say.
_LONGEST_SECONDS = 3600.0
# For ever, and still a number that travels as a float without becoming another.
_ENDLESS_SECONDS = 1e9
_ABOUT_INITIAL_STATE = frozenset(("sendInitialEvents", "resourceVersionMatch"))
_RESOURCE_VERSION = re.compile(r"[0-9]{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """A watch's options.

    Attributes:
        since: the resourceVersion to begin after; 0 for any moment; None for a moment after the request.
        sends_initial: whether the initial state comes first, as ADDED events.
        not_older: whether `since` is the oldest initial state that will do, rather than a place to begin.
        bookmarks: whether BOOKMARK events are wanted.
    """

    since: int | None
    sends_initial: bool
    not_older: bool
    bookmarks: bool


def watch_options(asked: Mapping[str, str]) -> WatchOptions | None:
    """Return a watch's options, or None for a combination that the apiserver refuses, in its words."""
    sends, match = asked.get("sendInitialEvents"), asked.get("resourceVersionMatch", "")
    if (sends is None) == bool(match) or (match and match != "NotOlderThan") or asked.get("continue"):
        return None
    version = asked.get("resourceVersion", "")
    since = int(version) if version else None
    sends_initial = not since if sends is None else is_true(sends)
    return WatchOptions(since, sends_initial, sends is not None, is_true(asked.get("allowWatchBookmarks")))


def lifetime_of(asked: Mapping[str, str]) -> float:
    """Return after how many seconds a watch ends; one that does not say, between a half and a whole hour."""
    if seconds := int(asked.get("timeoutSeconds", "0")):
        return min(float(seconds), _ENDLESS_SECONDS)
    return random.uniform(_LONGEST_SECONDS / 2, _LONGEST_SECONDS)  # noqa: S311 (no secret)


def resumed(asked: Mapping[str, str], last_event_id: str) -> dict[str, str]:
    """Return a query that goes on after the event that an EventSource saw last.

    Raises:
        BadRequest: that is no resourceVersion.
    """
    if not last_event_id:
        return dict(asked)
    if not _RESOURCE_VERSION.fullmatch(last_event_id) or int(last_event_id) >= 2**64:
        raise BadRequest(
            f"header Last-Event-ID is {shown(last_event_id)}, but must be an id of this stream's events"
        )
    without_initial = {name: value for name, value in asked.items() if name not in _ABOUT_INITIAL_STATE}
    return {**without_initial, "resourceVersion": last_event_id}
