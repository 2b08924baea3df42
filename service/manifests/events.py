"""The events of a body, the same for JSON and YAML, and the caps that make any body safe to scan."""

import json
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, NoReturn, TypeAlias

from service.errors import BadRequest

MAX_DEPTH = 100
MAX_NODES = 100_000
MAX_ALIASES = 1_000
_SHOWN_LENGTH = 64
_OPENING = ("mapping", "sequence")


# What an event begins, is, or (end) closes. Strings, as an enum's members cost more than the scan itself.
Kind: TypeAlias = Literal["mapping", "sequence", "scalar", "alias", "end"]


class Event(NamedTuple):
    """One step through a body; a mapping's keys and values alternate between its start and its end.

    Attributes:
        kind: see Kind.
        line: where it stands, from 1.
        column: where it stands, in characters from 1.
        value: a scalar's text with its escapes undone, or the anchor that an alias names.
        plain: whether a scalar stands without quotes, so that its text may mean other than a string.
        tag: an explicit YAML tag, written out.
        anchor: a YAML anchor.
    """

    kind: Kind
    line: int
    column: int
    value: str = ""
    plain: bool = False
    tag: str | None = None
    anchor: str | None = None

    def refuse(self, problem: str) -> NoReturn:
        """Raise BadRequest for a problem at this event's place."""
        raise BadRequest(f"line {self.line}, column {self.column}: {problem}")


def bounded(events: Iterable[Event]) -> Iterator[Event]:
    """Yield the events as they come; raise BadRequest at the first one beyond a cap."""
    depth = nodes = aliases = 0
    for event in events:
        if event.kind == "end":
            depth -= 1
        else:
            nodes += 1
            depth += event.kind in _OPENING
            aliases += event.kind == "alias"
            if depth > MAX_DEPTH:
                event.refuse(f"the body is nested deeper than {MAX_DEPTH} levels")
            if nodes > MAX_NODES:
                event.refuse(f"the body has more than {MAX_NODES} nodes")
            if aliases > MAX_ALIASES:
                event.refuse(f"the body has more than {MAX_ALIASES} aliases")
        yield event


def skip(start: Event, events: Iterator[Event]) -> None:
    """Take the rest of the node that begins with `start` from the events."""
    depth = int(start.kind in _OPENING)
    while depth:
        kind = next(events).kind
        depth += (kind in _OPENING) - (kind == "end")


def place_after(before: bytes) -> tuple[int, int]:
    """Return the line and the column, both from 1, that follow the bytes."""
    text = before.decode("utf-8-sig", errors="ignore")
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def shown(value: str) -> str:
    """Return the value as a message shows it: quoted, in ASCII, and not at length."""
    return json.dumps(value if len(value) <= _SHOWN_LENGTH else value[:_SHOWN_LENGTH] + "…")
