"""Every Prometheus metric, declared once. What happens is counted here; what is, is read when it is scraped.

The names follow https://prometheus.io/docs/practices/naming/. No label holds what a caller says: no path, no name,
no user, and nothing of a token; so there are only so many series, whatever is asked.
"""

from collections.abc import Callable, Iterable
from typing import Generic, Literal, NamedTuple, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

# Else each series of a counter or a histogram has a second one, with the time of its first event.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types for it

_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_METHODS = frozenset(("GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"))
# By the hundreds of a status code; 0 is no answer.
_CODE_CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")


class Family(NamedTuple):
    """A metric.

    Attributes:
        kind: what Prometheus calls its type.
        name: its name, with its unit.
        labels: the names of its labels.
        told: what it says, for people.
    """

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    labels: tuple[str, ...]
    told: str


REQUESTS = Family(
    "counter",
    "job_api_requests_total",
    ("route", "method", "code", "outcome"),
    "requests that are over. outcome: success, client_error or server_error as the code says; not_yet, a wait "
    "whose time was over; shutdown, a wait or log that ended with the service; aborted, an answer that broke off; "
    "stalled, a caller who read nothing; canceled, a caller who left before an answer (code none)",
)
REQUEST_SECONDS = Family(
    "histogram",
    "job_api_request_duration_seconds",
    ("route", "method"),
    "how long requests took, but for watches, waits and followed logs",
)
REQUESTS_IN_FLIGHT = Family(
    "gauge",
    "job_api_requests_in_flight",
    (),
    "requests at this moment, but for probes, watches, waits and followed logs",
)
STREAMS = Family(
    "gauge", "job_api_streams", ("kind",), "open streams; kind: watch, wait, or log, one that is followed"
)
LIMIT = Family(
    "gauge",
    "job_api_limit",
    ("bound",),
    "most that there may be at a time, as the settings say; bound: requests, requests_per_caller, streams, "
    "streams_per_caller",
)
REJECTED = Family(
    "counter",
    "job_api_requests_rejected_total",
    ("bound",),
    "requests that were answered 429 here; bound: that of job_api_limit, or writes, those that go on without their "
    "callers included",
)
UPSTREAM_SECONDS = Family(
    "histogram",
    "job_api_upstream_request_duration_seconds",
    ("verb", "resource", "code"),
    "time until the apiserver's headers were there; verb and resource as in an RBAC rule, follow for a log that is "
    "followed; code: its class, such as 2xx, or none where no answer came",
)
UPSTREAM_STREAMS = Family(
    "gauge",
    "job_api_upstream_streams",
    ("resource",),
    "watches (jobs, pods) and followed logs (pods/log) that are open upstream",
)
UPSTREAM_WRITES = Family(
    "gauge",
    "job_api_upstream_writes_in_flight",
    (),
    "creates and deletes that the apiserver has not answered yet, those included whose callers have left",
)
CREDENTIALS_REFUSED = Family(
    "counter",
    "job_api_credentials_refused_total",
    (),
    "requests for which the apiserver did not accept the service's own credentials, newly read ones neither",
)
CREDENTIALS_READ = Family(
    "counter",
    "job_api_credentials_reads_total",
    ("result",),
    "times that the service's own credentials were read; result: success or failure",
)
REVIEW_SECONDS = Family(
    "histogram",
    "job_api_review_duration_seconds",
    ("review", "result"),
    "how long reviews took; review: TokenReview, SubjectAccessReview, SelfSubjectAccessReview or "
    "SelfSubjectReview; result: allowed, denied or error",
)
REVIEW_LOOKUPS = Family(
    "counter",
    "job_api_review_cache_lookups_total",
    ("cache", "result"),
    "questions to what reviews have said; cache: identities or decisions; result: hit, miss, or shared with a "
    "review under way",
)
REVIEW_ENTRIES = Family(
    "gauge", "job_api_review_cache_entries", ("cache",), "reviews whose outcome is remembered; cache: likewise"
)
CACHE_SYNCED = Family(
    "gauge",
    "job_api_cache_synced",
    ("scope",),
    "1 once the cache is complete; scope: a namespace of --namespaces, or * for all",
)
CACHE_AGE = Family(
    "gauge",
    "job_api_cache_age_seconds",
    ("scope",),
    "time since the apiserver was last heard; it sends a bookmark each minute",
)
CACHE_OBJECTS = Family("gauge", "job_api_cache_objects", ("scope",), "Jobs in the cache")
CACHE_LISTS = Family(
    "counter", "job_api_cache_lists_total", ("scope",), "whole lists that the cache took over, the first included"
)
CACHE_FAILURES = Family(
    "counter",
    "job_api_cache_failures_total",
    ("scope",),
    "times that the cache's list or watch was refused or broke off",
)
CACHE_READS = Family(
    "counter",
    "job_api_cache_reads_total",
    ("result",),
    "gets and lists that a cache may answer; result: hit, or miss, which went upstream",
)
SHARED_READS = Family(
    "counter",
    "job_api_shared_reads_total",
    ("result",),
    "consistent reads of one Job; result: own, which went upstream, or shared, which took another caller's answer",
)
WINDOW_CHANGES = Family("gauge", "job_api_watch_window_changes", ("scope",), "changes that are kept for watches")
WINDOW_BYTES = Family(
    "gauge", "job_api_watch_window_bytes", ("scope",), "size of the Jobs that these changes led to"
)
WINDOW_EVICTED = Family(
    "counter",
    "job_api_watch_window_evictions_total",
    ("scope",),
    "changes that were dropped because the window was full",
)
WATCHES_EXPIRED = Family(
    "counter",
    "job_api_watches_expired_total",
    ("scope",),
    "watches that were told 410: too slow, or from too long ago",
)
TLS_READ = Family(
    "counter",
    "job_api_tls_reads_total",
    ("result",),
    "times that a new certificate was read; result: success, or failure, after which the old one is served on",
)
BUILD = Family("gauge", "job_api_build_info", ("version", "commit"), "1; what runs here")

FAMILIES = tuple(each for each in globals().copy().values() if isinstance(each, Family))

Labels = tuple[str, ...]
T = TypeVar("T")


class _Series(dict[tuple[object, ...], T], Generic[T]):
    """A metric's series by the values of its labels: the library takes microseconds to find one."""

    def __init__(self, find: Callable[..., T]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, labels: tuple[object, ...]) -> T:
        series = self[labels] = self._find(*labels)
        return series


class Metrics:
    """The metrics of one application.

    Attributes:
        registry: has them all, those of the process and of Python's garbage collector too.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = _Series(self._counter(REQUESTS).labels)
        self._request_seconds = _Series(self._histogram(REQUEST_SECONDS).labels)
        self._rejected = _Series(self._counter(REJECTED).labels)
        self._upstream_seconds = _Series(self._histogram(UPSTREAM_SECONDS).labels)
        self._credentials_refused = self._counter(CREDENTIALS_REFUSED)
        self._review_seconds = _Series(self._histogram(REVIEW_SECONDS).labels)
        self._tls_read = _Series(self._counter(TLS_READ).labels)
        for bound in ("requests", "requests_per_caller", "streams", "streams_per_caller", "writes"):
            self._rejected[(bound,)].inc(0)  # a rate misses the event that begins a series
        for result in ("success", "failure"):
            self._tls_read[(result,)].inc(0)

    def request(self, route: str, method: str, code: int | None, outcome: str, seconds: float | None) -> None:
        """Count a request that is over.

        Args:
            route: the route's template; empty where there is no such route.
            method: the HTTP method, as it came.
            code: the status code that was answered; None for none.
            outcome: how it ended.
            seconds: how long it took; None for what lasts as long as its caller likes.
        """
        method = method if method in _METHODS else "other"
        route = route or "none"
        self._requests[route, method, "none" if code is None else code, outcome].inc()
        if seconds is not None:
            self._request_seconds[route, method].observe(seconds)

    def rejected(self, bound: str) -> None:
        """Count a request that is answered 429, because there are as many as there may be of something."""
        self._rejected[(bound,)].inc()

    def upstream(self, verb: str, resource: str, code: int, seconds: float) -> None:
        """Count a request to the apiserver.

        Args:
            verb: the verb in an RBAC rule.
            resource: the resource there.
            code: the status code that came; 0 for none.
            seconds: how long it took until then.
        """
        self._upstream_seconds[verb, resource, _CODE_CLASSES[min(code // 100, 5)]].observe(seconds)

    def credentials_refused(self) -> None:
        """Count that the apiserver does not accept the service's own credentials."""
        self._credentials_refused.inc()

    def review(self, kind: str, result: str, seconds: float) -> None:
        """Count a review of a kind: allowed, denied, or an error."""
        self._review_seconds[kind, result].observe(seconds)

    def tls_read(self, result: str) -> None:
        """Count a reading of the certificate: success or failure."""
        self._tls_read[(result,)].inc()

    def _counter(self, family: Family) -> Counter:
        return Counter(family.name, family.told, family.labels, registry=self.registry)

    def _histogram(self, family: Family) -> Histogram:
        return Histogram(family.name, family.told, family.labels, registry=self.registry, buckets=_BUCKETS)


def as_read(family: Family, samples: Iterable[tuple[Labels, float]]) -> Metric:
    """Return a counter or a gauge with the values that were read somewhere, each with those of its labels."""
    type_ = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = type_(family.name, family.told, labels=family.labels)
    for labels, value in samples:
        metric.add_metric(labels, value)
    return metric
