"""Measure the rows, and keep what was found."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from .rows import Figures, Goal, Row, RowError
from .servers import SERVICE, Servers


@dataclass(slots=True)
class RowResult:
    """What was found for a row: the figures of each round by server, and why a server has none."""

    row: Row
    rounds: dict[str, list[Figures]] = field(default_factory=lambda: defaultdict(list))
    failures: dict[str, str] = field(default_factory=dict)

    def values(self, server: str, figure: str) -> list[float]:
        """Return a server's figure in each round, nothing if it was not measured."""
        return [found[figure] for found in self.rounds.get(server, ()) if figure in found]

    def median(self, server: str, figure: str) -> float | None:
        """Return the middle one of the rounds, None if it was not measured."""
        values = self.values(server, figure)
        return statistics.median(values) if values else None

    def ratio(self, server: str, figure: str, base: str) -> float | None:
        """Return how many times the base's figure a server's is.

        Only figures of the same round are divided, since only they were taken on the same machine; of the rounds
        the middle one counts.
        """
        pairs = zip(self.rounds.get(server, ()), self.rounds.get(base, ()), strict=False)
        ratios = [ours[figure] / theirs[figure] for ours, theirs in pairs if figure in ours and theirs.get(figure)]
        return statistics.median(ratios) if ratios else None

    def reached(self, goal: Goal) -> float | None:
        """Return what the service has to show for a goal."""
        if goal.against:
            return self.ratio(SERVICE, goal.figure, goal.against)
        return self.median(SERVICE, goal.figure)


def measure(rows: Sequence[Row], servers: Servers, rounds: int) -> list[RowResult]:
    """Measure every server of every row once a round, so that a noisy minute spoils a round and not a server."""
    results = [RowResult(row) for row in rows]
    for number in range(rounds):
        for result in results:
            if result.row.most_rounds is not None and number >= result.row.most_rounds:
                continue
            # Nobody is always the first after a pause.
            shift = number % len(result.row.names)
            for name in (*result.row.names[shift:], *result.row.names[:shift]):
                say(f"round {number + 1} of {rounds}: {result.row.title}: {name}")
                _measure(result, servers, name)
    return results


def _measure(result: RowResult, servers: Servers, name: str) -> None:
    if name in result.failures:
        return
    try:
        result.rounds[name].append(result.row.measure(servers, name))
    except RowError as error:
        # What was measured before is no help: the rounds of the others would not be those of this one.
        result.rounds.pop(name)
        result.failures[name] = str(error)


def say(text: str) -> None:
    """Tell who waits for the report what is being done."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()
