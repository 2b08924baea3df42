"""The chart of the report."""

from xml.etree import ElementTree

from tests.bench.chart import as_svg, bars_of
from tests.bench.servers import PROXY, SERVICE
from tests.bench.test_results import result

SVG = "{http://www.w3.org/2000/svg}"


def bars(svg: str) -> dict[str, float]:
    """Return the lengths of a chart's bars by what they are of."""
    found = ElementTree.fromstring(svg).iter(f"{SVG}rect")  # noqa: S314 - written here
    return {bar.get("class", ""): float(bar.get("width", "0")) for bar in found if bar.get("class") != "card"}


def test_the_largest_figure_of_a_row_has_the_longest_bar() -> None:
    assert [(bar.server, bar.share) for bar in bars_of(result([100], [25]))] == [(PROXY, 1), (SERVICE, 0.25)]
    lengths = bars(as_svg({}, [result([100], [25])]))
    assert lengths["service"] * 4 == lengths["proxy"]


def test_a_bar_says_its_figure_and_how_it_compares() -> None:
    assert [bar.value for bar in bars_of(result([1000], [250]))] == ["1,000 /s", "250 /s, 0.25 x kubectl proxy"]


def test_a_row_without_two_servers_has_no_bars() -> None:
    assert bars(as_svg({}, [result([], [25])])) == {}


def test_what_the_machine_is_called_breaks_nothing() -> None:
    assert "&lt;&amp;" in as_svg({"cpu": "<&"}, [])
