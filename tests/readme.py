"""What the README says of itself; `python -m tests.readme` writes its generated part anew."""

import re
from dataclasses import dataclass, fields
from pathlib import Path

from service.metrics import FAMILIES
from service.settings import Settings, flag_of, variable_of

README = Path(__file__).parents[1] / "README.md"
_SETTINGS = re.compile(r"(<!-- settings: [^>]*-->\n)(.*?)(<!-- /settings -->)", re.DOTALL)
_METRICS = re.compile(r"(<!-- metrics: [^>]*-->\n)(.*?)(<!-- /metrics -->)", re.DOTALL)
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Step:
    """A block of commands, and what it is said to print; None where nothing is said."""

    commands: str
    prints: str | None


def section(title: str) -> str:
    """Return the text of a section of the second level."""
    _, _, rest = README.read_text().partition(f"\n## {title}\n")
    assert rest, f"the README has no section {title!r}"
    return rest.partition("\n## ")[0]


def steps(text: str) -> list[Step]:
    """Return the blocks of commands, each with the output that follows it."""
    blocks = [(match.group(1), match.group(2)) for match in _BLOCK.finditer(text)]
    found = []
    for number, (kind, content) in enumerate(blocks):
        following = blocks[number + 1] if number + 1 < len(blocks) else ("sh", "")
        if kind == "sh":
            found.append(Step(content, following[1] if following[0] == "text" else None))
    return found


def settings_table() -> str:
    """Return the table of all settings, as the README is to have it."""
    rows = ["| flag | environment | default | what it is |", "|---|---|---|---|"]
    for each in fields(Settings):
        default = each.metadata["default"]
        shown = "" if default is None else f"`{default}`"
        rows.append(f"| `{flag_of(each.name)}` | `{variable_of(each.name)}` | {shown} | {each.metadata['help']} |")
    return "\n".join(rows) + "\n"


def metrics_table() -> str:
    """Return the table of all metrics of ours, as the README is to have it."""
    rows = ["| metric | type | labels | what it says |", "|---|---|---|---|"]
    for each in FAMILIES:
        labels = ", ".join(f"`{label}`" for label in each.labels)
        rows.append(f"| `{each.name}` | {each.kind} | {labels} | {each.told} |")
    return "\n".join(rows) + "\n"


def with_tables(text: str) -> str:
    """Return the README's text with the settings and the metrics as they are now."""
    text = _SETTINGS.sub(lambda match: match.group(1) + settings_table() + match.group(3), text)
    return _METRICS.sub(lambda match: match.group(1) + metrics_table() + match.group(3), text)


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text()))
