"""The alerts and the dashboard ask for metrics that there are, and Prometheus takes them all."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import yaml

from service.metrics import FAMILIES, Metrics
from service.settings import Settings
from tests.conftest import StartService

from .helm import Helm, of_kind
from .paths import CHART
from .promtool import Promtool
from .queries import groupings, selectors
from .settings_schema import value_name
from .value_sets import VALUE_SETS

ALERTS = CHART / "files" / "alerts.yaml"
ALERT_TESTS = Path(__file__).parent / "alerts_test.yaml"
DASHBOARD = CHART / "files" / "dashboard.json"
# What a ServiceMonitor gives each series.
TARGET = {"namespace", "job", "pod", "instance", "service", "endpoint", "container"}
# Those labels whose values the metric's own text tells, one by one.
TOLD = {"outcome", "bound", "kind", "result"}


class Query(NamedTuple):
    """A query.

    Attributes:
        where: where it stands, for people.
        text: the query.
        shown: the labels that the texts beside it show.
    """

    where: str
    text: str
    shown: set[str]


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def dashboard_queries() -> Iterator[Query]:
    for panel in panels():
        for target in panel.get("targets", []):
            # What Grafana itself puts in.
            text = target["expr"].replace("$__rate_interval", "5m")
            shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            yield Query(f"{panel['title']} {target['refId']}", text, shown)


def queries() -> list[Query]:
    alerts = [
        Query(
            rule["alert"],
            rule["expr"],
            set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values()))),
        )
        for rule in rules()
    ]
    return [*alerts, *dashboard_queries()]


def labels_of_series() -> dict[str, set[str]]:
    """Return the labels of each series that can be asked for, but for those of its target."""
    found: dict[str, set[str]] = {"up": set()}
    for family in FAMILIES:
        labels = set(family.labels)
        if family.kind == "histogram":
            found |= {f"{family.name}_bucket": labels | {"le"}}
            found |= {f"{family.name}_{suffix}": labels for suffix in ("count", "sum")}
        else:
            found[family.name] = labels
    for metric in Metrics().registry.collect():
        for sample in metric.samples:
            found.setdefault(sample.name, set(sample.labels))
    return found


def test_every_query_asks_for_metrics_and_labels_that_there_are() -> None:
    there = labels_of_series()
    for query in queries():
        asked = list(selectors(query.text))
        assert {each.metric for each in asked} <= set(there), query
        for each in asked:
            assert set(each.matchers) <= there[each.metric] | TARGET, query
        known = TARGET.union(*(there[each.metric] for each in asked))
        assert set().union(*(labels for _, labels in groupings(query.text))) <= known, query
        # What is aggregated has no other labels than those it is aggregated by.
        kept = [labels for word, labels in groupings(query.text) if word == "by"]
        assert query.shown <= (set().union(*kept) if kept else known), query


def test_every_value_that_is_asked_for_is_one_that_the_metric_may_have() -> None:
    told = {family.name: set(re.findall(r"\w+", family.told)) for family in FAMILIES}
    for query in queries():
        for metric, matchers in selectors(query.text):
            name = re.sub("_(bucket|count|sum)$", "", metric)
            for label in TOLD & set(matchers):
                wanted = {value.removeprefix(".*_") for value in matchers[label]} - {"per_caller"}
                assert wanted <= told[name], query


def test_no_label_is_one_that_prometheus_gives_a_series_itself() -> None:
    for family in FAMILIES:
        assert not TARGET & set(family.labels), family.name


def test_every_alert_waits_and_says_what_is_wrong_and_what_to_do_first() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 10
    for rule in rules():
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule
        assert set(rule["annotations"]) == {"summary", "description"}, rule
        assert len(rule["annotations"]["summary"]) < len(rule["annotations"]["description"]), rule


def test_every_setting_that_an_alert_names_is_one() -> None:
    known = {value_name(each.name) for each in fields(Settings)}
    for rule in rules():
        assert set(re.findall(r"`([a-z]+[A-Z]\w+)`", rule["annotations"]["description"])) <= known, rule


def test_every_alert_is_tried_with_series_as_they_are() -> None:
    there, fired = labels_of_series(), set()
    for each in yaml.safe_load(ALERT_TESTS.read_text())["tests"]:
        for series in each["input_series"]:
            ((metric, matchers),) = selectors(series["series"])
            assert set(matchers) - TARGET == there[metric], series
        for wanted in each["promql_expr_test"]:
            fired |= set(re.findall(r'alertname="(\w+)"', str(wanted["exp_samples"])))
    assert fired == {rule["alert"] for rule in rules()}


def test_the_dashboard_shows_every_metric_there_is() -> None:
    shown = {each.metric for query in dashboard_queries() for each in selectors(query.text)}
    missing = {family.name for family in FAMILIES if not any(metric.startswith(family.name) for metric in shown)}
    assert not missing


def test_the_dashboard_asks_whichever_prometheus_is_chosen_and_no_panel_covers_another() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    (source,) = [each for each in dashboard["templating"]["list"] if each["type"] == "datasource"]
    assert source["query"] == "prometheus"
    assert len({panel["id"] for panel in panels()}) == len(panels())
    for panel in panels():
        asked = [panel, *panel["targets"]] if panel["type"] != "row" else []
        assert {each["datasource"]["uid"] for each in asked} <= {f"${{{source['name']}}}"}, panel["title"]
    cells = {
        panel["id"]: {
            (column, line)
            for column in range(place["x"], place["x"] + place["w"])
            for line in range(place["y"], place["y"] + place["h"])
        }
        for panel in panels()
        for place in [panel["gridPos"]]
    }
    assert not [pair for pair in combinations(cells, 2) if cells[pair[0]] & cells[pair[1]]]
    assert max(column for taken in cells.values() for column, _ in taken) < 24


@pytest.mark.deploy
def test_prometheus_takes_the_alerts_and_they_fire_when_they_should_and_only_then(promtool: Promtool) -> None:
    promtool("check", "rules", str(ALERTS))
    promtool("test", "rules", str(ALERT_TESTS))


@pytest.mark.deploy
def test_prometheus_takes_every_query_of_the_dashboard(promtool: Promtool, tmp_path: Path) -> None:
    recorded = [
        {"record": f"dashboard:query:{number}", "expr": query.text}
        for number, query in enumerate(dashboard_queries())
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))
    promtool("check", "rules", str(file))


@pytest.mark.deploy
async def test_prometheus_finds_nothing_amiss_in_the_metrics_of_the_service(
    promtool: Promtool, start_service: StartService, http_client: aiohttp.ClientSession
) -> None:
    url = await start_service(sandbox=True, auth_mode="none", allow_unauthenticated=True, cache=True)
    for path in ("/api/v1/_raw/job", "/nowhere", "/readyz", "/metrics"):
        async with http_client.get(f"{url}{path}") as answer:
            text = await answer.text()
    assert 'job_api_requests_total{code="200"' in text
    assert promtool("check", "metrics", text=text) == ""


@pytest.mark.deploy
def test_the_chart_hands_on_the_alerts_and_the_dashboard_as_they_are(helm: Helm) -> None:
    objects = helm.rendered(VALUE_SETS["monitored"])
    (rule,), (dashboard,) = of_kind(objects, "PrometheusRule"), of_kind(objects, "ConfigMap")
    groups = rule["spec"]["groups"]
    assert groups[:-1] == yaml.safe_load(ALERTS.read_text())["groups"]
    assert [each["alert"] for each in groups[-1]["rules"]] == ["Own"]
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["job-api.json"]) == json.loads(DASHBOARD.read_text())
