"""What a row of the report is: something to do to each of some servers, and what the service should reach."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .jobs import JobSet
from .servers import Servers

Figures = Mapping[str, float]


class RowError(Exception):
    """A row cannot be measured on a server; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound for one of the service's figures, or for its ratio to another server's.

    Attributes:
        against: the server whose figure the service's is divided by; empty: the bound is for the figure itself.
        beyond: a harder bound, which is hoped for; None: there is none.
    """

    figure: str
    bound: float
    is_minimum: bool
    against: str = ""
    beyond: float | None = None

    def is_met(self, value: float) -> bool:
        """Say whether a figure, or a ratio, is as good as the goal."""
        return self._is_within(value, self.bound)

    def is_exceeded(self, value: float) -> bool:
        """Say whether it is as good as the harder bound; without one nothing is."""
        return self._is_within(value, math.nan if self.beyond is None else self.beyond)

    def _is_within(self, value: float, bound: float) -> bool:
        return value >= bound if self.is_minimum else value <= bound


def at_least(bound: float, figure: str, against: str = "", *, beyond: float | None = None) -> Goal:
    """Return a goal that more is better of."""
    return Goal(figure, bound, is_minimum=True, against=against, beyond=beyond)


def at_most(bound: float, figure: str, against: str = "", *, beyond: float | None = None) -> Goal:
    """Return a goal that less is better of."""
    return Goal(figure, bound, is_minimum=False, against=against, beyond=beyond)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the report.

    Attributes:
        key: as the command line calls it.
        title: what is measured, for a reader.
        names: the servers that are measured, in turn.
        base: the one of them that the table compares the others with.
        compared: the figure that it compares.
        jobs: those that must be there.
        measure: measures the server of a name once; raises RowError when that cannot be done.
        prepare: makes what else must be there, once.
        most_rounds: where the figures are steady, or cost minutes, so many rounds are enough.
        by_default: it is measured unless others are asked for.
    """

    key: str
    title: str
    names: tuple[str, ...]
    base: str
    compared: str
    jobs: JobSet
    goals: tuple[Goal, ...]
    measure: Callable[[Servers, str], Figures]
    prepare: Callable[[Servers], None] | None = None
    most_rounds: int | None = None
    by_default: bool = True
