"""Every metric is declared as Prometheus would have it, and written where it can be read at any rate."""

import asyncio
import re
import time
from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.samples import Sample

from service.api.exposition import OPENMETRICS, TEXT, Exposition
from service.kube.verbs import verb_and_resource
from service.metrics import FAMILIES, Family, Metrics
from service.resources import EVENTS, JOBS, PODS, PODS_LOG

UNITS = ("_seconds", "_bytes", "_total", "_info")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_metric_has_a_name_labels_and_a_text_as_prometheus_asks(family: Family) -> None:
    """As https://prometheus.io/docs/practices/naming/ has it; `promtool check metrics` asks for no less."""
    assert re.fullmatch(r"job_api(_[a-z]+)+", family.name)
    assert family.name.endswith("_total") == (family.kind == "counter")
    assert family.name.endswith("_seconds") or family.kind != "histogram"
    assert all(re.fullmatch("[a-z]+", label) and label != "le" for label in family.labels)
    assert not any(
        unit in family.name.removesuffix(next(filter(family.name.endswith, UNITS), "")) for unit in UNITS
    )
    assert len(family.told.split()) > 2 or family.labels


def test_no_two_metrics_have_one_name() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES) > 20


def test_what_a_caller_can_make_up_makes_no_series() -> None:
    metrics = Metrics()
    for number in range(50):
        metrics.request("", f"METHOD{number}", 404, "client_error", None)
    counted = {tuple(sample.labels.values()): sample.value for sample in samples(metrics, "job_api_requests_total")}
    assert counted == {("none", "other", "404", "client_error"): 50}


@pytest.mark.parametrize(
    ("method", "path", "streams", "call"),
    [
        ("GET", JOBS.path(), False, ("list", "jobs")),
        ("GET", JOBS.path("a"), True, ("watch", "jobs")),
        ("GET", JOBS.path("a", "b"), False, ("get", "jobs")),
        ("GET", JOBS.path("namespaces", "jobs"), False, ("get", "jobs")),
        ("POST", JOBS.path("a"), False, ("create", "jobs")),
        ("DELETE", JOBS.path("a", "b"), False, ("delete", "jobs")),
        ("GET", PODS.path("a"), False, ("list", "pods")),
        ("GET", PODS_LOG.path("a", "b"), False, ("get", "pods/log")),
        ("GET", PODS_LOG.path("a", "b"), True, ("follow", "pods/log")),
        ("GET", EVENTS.path("a"), False, ("list", "events")),
        ("POST", "/apis/authentication.k8s.io/v1/tokenreviews", False, ("create", "tokenreviews")),
        ("GET", "/readyz", False, ("get", "readyz")),
    ],
)
def test_a_request_upstream_is_told_in_the_words_of_a_rule(
    method: str, path: str, streams: bool, call: tuple[str, str]
) -> None:
    assert verb_and_resource(method, path, streams=streams) == call


class Slow:
    """A metric that takes a while to collect."""

    def __init__(self) -> None:
        self.collected = 0

    def collect(self) -> Iterable[Metric]:
        self.collected += 1
        time.sleep(0.05)
        return (GaugeMetricFamily("slow", "It takes a while.", value=self.collected),)


async def test_however_often_it_is_asked_for_it_is_written_only_now_and_then() -> None:
    slow, registry = Slow(), CollectorRegistry()
    registry.register(slow)
    exposition = Exposition(registry)
    texts = await asyncio.gather(*(exposition.text(form) for form in (TEXT, OPENMETRICS) * 20))
    assert slow.collected < 40
    assert texts[0].endswith(b"\nslow 1.0\n")
    assert texts[1].endswith(b"\n# EOF\n")


def samples(metrics: Metrics, name: str) -> list[Sample]:
    return [each for family in metrics.registry.collect() for each in family.samples if each.name == name]
