"""Say what was found: a table for a person, JSON for a program."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .results import RowResult
from .rows import Goal

Cells = list[str]


@dataclass(frozen=True, slots=True)
class Column:
    """How the table writes a figure."""

    figure: str
    heading: str
    form: str

    def text(self, value: float | None) -> str:
        """Return the figure as the table shows it."""
        return "" if value is None else f"{value:{self.form}}"


COLUMNS = (
    Column("per_second", "/s", ",.0f"),
    Column("mb_per_second", "MB/s", ",.1f"),
    Column("p50_ms", "p50 ms", ".2f"),
    Column("p99_ms", "p99 ms", ".2f"),
    Column("max_ms", "max ms", ".1f"),
    Column("cpu_ms", "CPU ms", ".3f"),
    Column("first_ms", "first ms", ".1f"),
    Column("total_ms", "total ms", ".0f"),
    Column("others", "others x", ".2f"),
    Column("reference_p50_ms", "ref p50", ".2f"),
    Column("reference_p99_ms", "ref p99", ".2f"),
    Column("wrong", "wrong", ".0f"),
    Column("ready_ms", "ready ms", ",.0f"),
    Column("idle_kb", "kB idle", ".1f"),
    Column("peak_kb", "kB peak", ".1f"),
    Column("idle_mb", "MB idle", ".1f"),
    Column("peak_mb", "MB peak", ".1f"),
    Column("growth_mb", "MB more", ".1f"),
    Column("upstream", "upstream", ".0f"),
)
LEGEND = """\
Each figure is the median of the rounds; each ratio is the median of the rounds' own ratios. `service` is in mode
delegated, called with a ServiceAccount's token, with its cache, limits, metrics and audit lines.
/s        answers a second; in (c) events a second that reached the watchers
CPU ms    processor time of the server's process for one answer, or for one event at one watcher
first ms  until the first byte of the body, with nothing else to do
total ms  until the last byte, likewise
others    how many times its idle p99 a small call's p99 is meanwhile
ref       when one watch on the apiserver itself sees the same changes
wrong     changes that a watcher missed, saw twice, or saw out of order; answers that are not those of the apiserver
ready ms  from the start of the process until it is ready; where Jobs grow, until all of them are cached
kB        memory for one watcher, waiter or Job: when all are there and nothing happens, and at its peak
MB        memory of the process: at rest, at its peak, and its growth at its peak
upstream  watches of Jobs that the apiserver serves to the service
"""


def as_text(machine: dict[str, Any], results: Sequence[RowResult]) -> str:
    """Return the report as a person reads it."""
    facts = [f"{name}: {value}" for name, value in machine.items()]
    failures = [
        f"failed: {result.row.key}, {server}: {why}"
        for result in results
        for server, why in result.failures.items()
    ]
    goals = [_goal_cells(result, goal) for result in results for goal in result.row.goals]
    parts = (facts, _aligned(_table(results)), failures, ["goals of the service", *_aligned(goals)])
    return "\n\n".join(["\n".join(part) for part in parts if part] + [LEGEND])


def _table(results: Sequence[RowResult]) -> list[Cells]:
    columns = [column for column in COLUMNS if any(_has(result, column) for result in results)]
    lines = [["", *(column.heading for column in columns), "ratio"]]
    for result in results:
        lines.append([result.row.title])
        lines += [_cells(result, server, columns) for server in result.row.names]
    return lines


def _has(result: RowResult, column: Column) -> bool:
    return any(result.values(server, column.figure) for server in result.row.names)


def _cells(result: RowResult, server: str, columns: Iterable[Column]) -> Cells:
    figures = [column.text(result.median(server, column.figure)) for column in columns]
    return [f"  {server}", *figures, _ratio_text(result, server)]


def _ratio_text(result: RowResult, server: str) -> str:
    row = result.row
    if server == row.base:
        return ""
    if server in result.failures:
        return "failed"
    ratio = result.ratio(server, row.compared, row.base)
    return "" if ratio is None else f"{heading(row.compared)}: {ratio:.2f} x {row.base}"


def _goal_cells(result: RowResult, goal: Goal) -> Cells:
    value = result.reached(goal)
    sign = "≥" if goal.is_minimum else "≤"
    wording = f"{heading(goal.figure)} {sign} {goal.bound:g}" + (f" x {goal.against}" if goal.against else "")
    if value is None:
        return [f"  {result.row.key}", "", "not measured", wording]
    if goal.beyond is not None:
        wording += f"; beyond: {sign} {goal.beyond:g}, {'met' if goal.is_exceeded(value) else 'missed'}"
    return [f"  {result.row.key}", f"{value:.2f}", "met" if goal.is_met(value) else "missed", wording]


def heading(figure: str) -> str:
    """Return how the table calls a figure."""
    return _column(figure).heading


def shown(figure: str, value: float) -> str:
    """Return a figure as the table writes it."""
    return _column(figure).text(value)


def _column(figure: str) -> Column:
    return next(column for column in COLUMNS if column.figure == figure)


def _aligned(lines: Sequence[Cells]) -> list[str]:
    """Return the lines with their columns under each other; a line of one cell is a heading across all."""
    rows = [line for line in lines if len(line) > 1]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [_line(line, widths) if len(line) > 1 else line[0] for line in lines]


def _line(cells: Cells, widths: Sequence[int]) -> str:
    first, *middle, last = cells
    numbers = (cell.rjust(width) for cell, width in zip(middle, widths[1:-1], strict=True))
    return "  ".join([first.ljust(widths[0]), *numbers, last]).rstrip()


def as_json(machine: dict[str, Any], settings: dict[str, Any], results: Sequence[RowResult]) -> dict[str, Any]:
    """Return the report as a program reads it, with the figures of every round."""
    return {"machine": machine, "settings": settings, "rows": [_row_json(result) for result in results]}


def _row_json(result: RowResult) -> dict[str, Any]:
    row = result.row
    return {
        "row": row.key,
        "title": row.title,
        "base": row.base,
        "rounds": dict(result.rounds),
        "ratios": {server: result.ratio(server, row.compared, row.base) for server in row.names},
        "failures": result.failures,
        "goals": [_goal_json(result, goal) for goal in row.goals],
    }


def _goal_json(result: RowResult, goal: Goal) -> dict[str, Any]:
    value = result.reached(goal)
    return {
        "figure": goal.figure,
        "against": goal.against or None,
        "at_least" if goal.is_minimum else "at_most": goal.bound,
        "reached": value,
        "met": None if value is None else goal.is_met(value),
        "beyond": goal.beyond,
        "beyond_met": None if value is None or goal.beyond is None else goal.is_exceeded(value),
    }
