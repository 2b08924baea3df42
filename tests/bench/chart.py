"""The report as an SVG chart: one group of bars a row, for a page that is light or dark."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from .report import heading, shown
from .results import RowResult
from .servers import DIRECT, PROXY

WIDTH = 860
MARGIN = 20
LABEL_WIDTH = 170
VALUE_WIDTH = 190
BAR_WIDTH = WIDTH - 2 * MARGIN - LABEL_WIDTH - VALUE_WIDTH
LINE = 19
BAR = 12
GAP = 14
TOP = 64
# With its own background it is read on any page, whatever that has chosen.
STYLE = """\
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.row { font-weight: 600 }
.note { fill: #59636e }
.card { fill: #ffffff; stroke: #d1d9e0 }
.direct { fill: #afb8c1 }
.proxy { fill: #818b98 }
.service { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .note { fill: #9198a1 }
  .card { fill: #0d1117; stroke: #3d444d }
  .direct { fill: #4c545e }
  .proxy { fill: #7d8590 }
  .service { fill: #4493f8 }
}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One server's figure in a row.

    Attributes:
        share: of the largest in the row, from 0 to 1.
        value: the figure as it is written.
    """

    server: str
    share: float
    value: str


def as_svg(machine: dict[str, Any], results: Sequence[RowResult]) -> str:
    """Return the chart of the rows that compare servers."""
    groups = [(_title(result), bars) for result in results if len(bars := bars_of(result)) > 1]
    height = TOP + sum(LINE * (1 + len(bars)) + GAP for _, bars in groups)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
            f' viewBox="0 0 {WIDTH} {height}" role="img">',
            "<title>Job API beside kubectl proxy and the apiserver itself</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
            _text(MARGIN, 28, "Job API beside kubectl proxy and the apiserver itself", "title"),
            _text(MARGIN, 46, _note(machine), "note"),
            *_groups(groups),
            "</svg>\n",
        ]
    )


def bars_of(result: RowResult) -> list[Bar]:
    """Return the bars of a row: a server that failed has none."""
    figure = result.row.compared
    found = {name: value for name in result.row.names if (value := result.median(name, figure)) is not None}
    most = max(found.values(), default=0.0) or 1.0
    return [Bar(name, value / most, _value(result, name, value)) for name, value in found.items()]


def _title(result: RowResult) -> str:
    return result.row.title + (" (less is better)" if result.row.compared.endswith("_ms") else "")


def _value(result: RowResult, server: str, value: float) -> str:
    text = f"{shown(result.row.compared, value)} {heading(result.row.compared)}"
    ratio = None if server == result.row.base else result.ratio(server, result.row.compared, result.row.base)
    return text if ratio is None else f"{text}, {ratio:.2f} x {result.row.base}"


def _note(machine: dict[str, Any]) -> str:
    programs = f"Kubernetes {machine.get('kubernetes')}, Python {machine.get('python')}"
    return f"{machine.get('cores')} cores, {machine.get('cpu')}; {programs}"


def _groups(groups: Iterable[tuple[str, Sequence[Bar]]]) -> Iterable[str]:
    top = TOP
    for title, bars in groups:
        yield _text(MARGIN, top + BAR, title, "row")
        for number, bar in enumerate(bars, start=1):
            yield from _bar(top + number * LINE, bar)
        top += LINE * (1 + len(bars)) + GAP


def _bar(top: int, bar: Bar) -> Iterable[str]:
    length = max(1.0, bar.share * BAR_WIDTH)
    begin = MARGIN + LABEL_WIDTH
    yield _text(MARGIN + 12, top + BAR - 1, bar.server)
    yield f'<rect class="{_class(bar.server)}" x="{begin}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2"/>'
    yield _text(begin + length + 8, top + BAR - 1, bar.value, "note")


def _class(server: str) -> str:
    return {DIRECT: "direct", PROXY: "proxy"}.get(server, "service")


def _text(left: float, top: float, text: str, kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{left:.1f}" y="{top}"{attribute}>{escape(text)}</text>'
