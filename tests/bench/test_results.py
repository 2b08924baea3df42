"""What is made of the rounds' figures."""

from collections.abc import Callable
from typing import cast

import pytest

from tests.bench.jobs import JobSet
from tests.bench.report import as_json, as_text
from tests.bench.results import RowResult, measure
from tests.bench.rows import Figures, Goal, Row, RowError, at_least, at_most
from tests.bench.servers import PROXY, SERVICE, Servers

NO_SERVERS = cast("Servers", None)


def row(
    measure_one: Callable[[Servers, str], Figures] = lambda _, __: {},
    goals: tuple[Goal, ...] = (),
    most_rounds: int | None = None,
) -> Row:
    return Row(
        key="a-hot",
        title="a row",
        names=(PROXY, SERVICE),
        base=PROXY,
        compared="per_second",
        jobs=JobSet("none", 0),
        goals=goals,
        measure=measure_one,
        most_rounds=most_rounds,
    )


def result(proxy: list[float], service: list[float], *goals: Goal) -> RowResult:
    found = RowResult(row(goals=goals))
    for server, values in ((PROXY, proxy), (SERVICE, service)):
        found.rounds[server] = [{"per_second": value} for value in values]
    return found


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # The medians themselves are 200 and 200, and would say 1.
    assert result([100, 200, 400], [50, 200, 1200]).ratio(SERVICE, "per_second", PROXY) == 1
    assert result([100, 200, 400], [300, 200, 200]).ratio(SERVICE, "per_second", PROXY) == 1
    assert result([100, 200, 400], [300, 400, 200]).ratio(SERVICE, "per_second", PROXY) == 2


def test_a_server_that_fails_once_has_no_figures_and_is_not_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    asked = []

    def measure_one(_: Servers, name: str) -> Figures:
        asked.append(name)
        if name == SERVICE and asked.count(SERVICE) == 2:
            raise RowError("2 of 10 answers were no success")
        return {"per_second": 1.0}

    (found,) = measure([row(measure_one)], NO_SERVERS, 3)
    assert asked == [PROXY, SERVICE, SERVICE, PROXY, PROXY]
    assert dict(found.rounds).keys() == {PROXY}
    assert "failed: a-hot, service: 2 of 10 answers were no success" in as_text({}, [found])
    assert "round 3 of 3" in capsys.readouterr().err


def test_who_is_first_changes_with_the_round() -> None:
    asked = []

    def measure_one(_: Servers, name: str) -> Figures:
        asked.append(name)
        return {}

    measure([row(measure_one)], NO_SERVERS, 2)
    assert asked == [PROXY, SERVICE, SERVICE, PROXY]


def test_what_is_steady_has_fewer_rounds() -> None:
    (found,) = measure([row(lambda _, __: {"per_second": 1.0}, most_rounds=1)], NO_SERVERS, 3)
    assert found.values(SERVICE, "per_second") == [1.0]


@pytest.mark.parametrize(
    ("goal", "value", "met", "exceeded"),
    [
        (at_least(0.8, "per_second", PROXY, beyond=1), 0.7, False, False),
        (at_least(0.8, "per_second", PROXY, beyond=1), 0.8, True, False),
        (at_least(0.8, "per_second", PROXY, beyond=1), 1.0, True, True),
        (at_most(0.5, "cpu_ms", PROXY, beyond=0.4), 0.6, False, False),
        (at_most(0.5, "cpu_ms", PROXY, beyond=0.4), 0.45, True, False),
        (at_most(0.5, "cpu_ms", PROXY, beyond=0.4), 0.4, True, True),
        (at_most(16, "growth_mb"), 1.0, True, False),
        (at_most(0, "wrong"), 0.0, True, False),
    ],
)
def test_a_goal_has_a_bound_and_perhaps_one_beyond(goal: Goal, value: float, met: bool, exceeded: bool) -> None:
    assert (goal.is_met(value), goal.is_exceeded(value)) == (met, exceeded)


def test_both_bounds_are_told() -> None:
    found = result([100], [90], at_least(0.8, "per_second", PROXY, beyond=1))
    assert "0.90  met  /s ≥ 0.8 x kubectl proxy; beyond: ≥ 1, missed" in as_text({}, [found])
    (goal,) = as_json({}, {}, [found])["rows"][0]["goals"]
    assert (goal["at_least"], goal["met"], goal["beyond"], goal["beyond_met"]) == (0.8, True, 1, False)
