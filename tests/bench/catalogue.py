"""All rows, in the order in which they are measured, and how the command line calls them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from .creates import create_rows
from .growth import growth_rows
from .large_lists import list_rows
from .load_builder import watchload
from .logs import log_row
from .reads import read_rows
from .rows import Row
from .start import start_row
from .waits import wait_row
from .watches import watch_rows


def all_rows(watch_program: Path, seconds: int, watch_seconds: int) -> tuple[Row, ...]:
    """Return every row; a turn of most of them takes so many seconds, one of watching so many."""
    return (
        *read_rows(seconds),
        *list_rows(seconds),
        *create_rows(seconds),
        log_row(seconds),
        *watch_rows(watch_program, watch_seconds),
        wait_row(),
        start_row(),
        *growth_rows(seconds),
    )


def group_of(key: str) -> str:
    """Return what several rows are called together: `a` are `a-hot`, `a-1` and so on."""
    return key.partition("-")[0]


_ROWS = all_rows(Path(), 1, 1)
DEFAULT = [row.key for row in _ROWS if row.by_default]
# Each row by itself, then each group of more than one.
NAMES = list(dict.fromkeys([*(row.key for row in _ROWS), *(group_of(row.key) for row in _ROWS)]))


def keys_of(names: Iterable[str]) -> set[str]:
    """Return the rows that are called so; of a group those that are measured by default."""
    asked = set(names)
    return asked & {row.key for row in _ROWS} | {key for key in DEFAULT if group_of(key) in asked}


def chosen(names: Iterable[str], seconds: int, watch_seconds: int) -> Sequence[Row]:
    """Return the rows that are called so, after building what their loads take.

    Raises:
        BuildError: it cannot be built.
    """
    keys = keys_of(names)
    program = watchload() if any(group_of(key) == "c" for key in keys) else Path()
    return [row for row in all_rows(program, seconds, watch_seconds) if row.key in keys]
