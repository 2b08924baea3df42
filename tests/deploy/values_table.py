"""The table of values in the chart's README, from the comments in values.yaml."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from .paths import CHART

README = CHART / "README.md"
VALUES = CHART / "values.yaml"
_TABLE = re.compile(r"(<!-- values: [^>]*-->\n)(.*?)(<!-- /values -->)", re.DOTALL)
_KEY = re.compile(r"( *)(\w+):( .*)?")


@dataclass(slots=True)
class _Place:
    """How far the file was read: the keys that lead here, and the comment above the next one."""

    keys: list[str] = field(default_factory=list)
    comment: list[str] = field(default_factory=list)


def with_values(text: str) -> str:
    """Return the README's text with the values as they are now."""
    return _TABLE.sub(lambda match: match.group(1) + values_table() + match.group(3), text)


def values_table() -> str:
    """Return the table of all values that have a comment."""
    rows = ["| value | default | what it is |", "|---|---|---|"]
    values = yaml.safe_load(VALUES.read_text())
    found = list(described())
    for path, comment in found:
        default: Any = values
        for key in path:
            default = default[key]
        is_group = any(other != path and other[: len(path)] == path for other, _ in found)
        shown = "see below" if is_group else f"`{json.dumps(default)}`"
        rows.append(f"| `{'.'.join(path)}` | {shown} | {comment} |")
    return "\n".join(rows) + "\n"


def described() -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path of each value with a comment above it, and the comment as one line."""
    place = _Place()
    for line in VALUES.read_text().splitlines():
        if line.lstrip().startswith("#"):
            place.comment.append(line.strip().removeprefix("#").strip())
        elif key := _KEY.fullmatch(line):
            place.keys[len(key[1]) // 2 :] = [key[2]]
            if place.comment:
                yield tuple(place.keys), " ".join(place.comment)
            place.comment = []
        else:
            place.comment = []
