"""What the README says of itself; `python -m tests.readme` writes the generated parts of the documents anew."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.tables import with_tables

README = Path(__file__).parents[1] / "README.md"
CONTRACT = README.parent / "docs" / "contract.md"
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Step:
    """A block of commands, and what it is said to print; None where nothing is said."""

    commands: str
    prints: str | None


def sections(text: str) -> dict[str, str]:
    """Return a document's sections of the second level, by title."""
    return {match.group(1): match.group(2) for match in _SECTION.finditer(text)}


def section(title: str) -> str:
    """Return the text of a section of the README."""
    found = sections(README.read_text())
    assert title in found, f"the README has no section {title!r}"
    return found[title]


def steps(text: str) -> list[Step]:
    """Return the blocks of commands, each with the output that follows it."""
    blocks = [(match.group(1), match.group(2)) for match in _BLOCK.finditer(text)]
    found = []
    for number, (kind, content) in enumerate(blocks):
        following = blocks[number + 1] if number + 1 < len(blocks) else ("sh", "")
        if kind == "sh":
            found.append(Step(content, following[1] if following[0] == "text" else None))
    return found


if __name__ == "__main__":
    for document in (README, CONTRACT):
        document.write_text(with_tables(document.read_text()))
