"""The events of a body, the same for JSON and YAML, and the caps that make any body safe to scan."""

import json
from collections.abc import Callable, Iterator
from typing import Generic, Literal, NamedTuple, NoReturn, TypeAlias, TypeVar

from service.errors import BadRequest

MAX_DEPTH = 100
MAX_NODES = 100_000
MAX_ALIASES = 1_000
_SHOWN_LENGTH = 64
_OPENING = ("mapping", "sequence")


# What an event begins, is, or (end) closes. Strings, as an enum's members cost more than the scan itself.
Step = TypeVar("Step")
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


class Events(Iterator[Event], Generic[Step]):
    """The events of a body as they come; the first one beyond a cap raises BadRequest.

    Args:
        steps: what is read of the body for each event.
        kind_of: tells which kind of event a step is.
        event_of: makes the event of a step. That takes longer than to read it, so what is skipped does without.
    """

    def __init__(
        self, steps: Iterator[Step], kind_of: Callable[[Step], Kind], event_of: Callable[[Step], Event]
    ) -> None:
        self._steps, self._kind_of, self._event_of = steps, kind_of, event_of
        self._depth = self._nodes = self._aliases = 0

    def __next__(self) -> Event:
        """Return the next event."""
        return self._event_of(self._step())

    def skip(self, start: Event) -> None:
        """Take the rest of the node that has begun with `start`, which was the last event."""
        if start.kind in _OPENING:
            outside = self._depth - 1
            while self._depth > outside:
                self._step()

    def _step(self) -> Step:
        step = next(self._steps)
        kind = self._kind_of(step)
        if kind == "end":
            self._depth -= 1
            return step
        self._nodes += 1
        if kind in _OPENING:
            self._depth += 1
        elif kind == "alias":
            self._aliases += 1
        if self._depth > MAX_DEPTH or self._nodes > MAX_NODES or self._aliases > MAX_ALIASES:
            self._refuse(self._event_of(step))
        return step

    def _refuse(self, event: Event) -> NoReturn:
        if self._depth > MAX_DEPTH:
            event.refuse(f"the body is nested deeper than {MAX_DEPTH} levels")
        if self._nodes > MAX_NODES:
            event.refuse(f"the body has more than {MAX_NODES} nodes")
        event.refuse(f"the body has more than {MAX_ALIASES} aliases")


def place_after(before: bytes) -> tuple[int, int]:
    """Return the line and the column, both from 1, that follow the bytes."""
    text = before.decode("utf-8-sig", errors="ignore")
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def shown(value: str) -> str:
    """Return the value as a message shows it: quoted, in ASCII, and not at length."""
    return json.dumps(value if len(value) <= _SHOWN_LENGTH else value[:_SHOWN_LENGTH] + "…")
