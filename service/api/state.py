"""The metrics of what is, rather than of what happened: read where it is known when they are scraped."""

from collections.abc import Callable, Iterable, Iterator

from aiohttp import web
from prometheus_client.core import Metric

from service import metrics, version
from service.api import keys
from service.cache.scope import Scope
from service.metrics import Labels, as_read

Samples = Iterable[tuple[Labels, float]]


class State:
    """Collects them for a registry.

    Args:
        app: the application, once it has started.
    """

    def __init__(self, app: web.Application) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its values at this moment."""
        commit = self._app[keys.GIT_COMMIT] or "unknown"
        yield as_read(metrics.BUILD, [((version.VERSION, commit), 1)])
        yield from self._of_requests()
        yield from self._of_upstream()
        yield from self._of_reviews()
        yield from self._of_reads()
        yield from self._of_scopes()

    def _of_requests(self) -> Iterator[Metric]:
        admission = self._app[keys.ADMISSION]
        yield as_read(metrics.REQUESTS_IN_FLIGHT, [((), admission.requests_in_flight)])
        yield as_read(metrics.STREAMS, _by_label(admission.streams_by_kind.items()))
        yield as_read(metrics.LIMIT, _by_label((bound.name, bound.most) for bound in admission.bounds))

    def _of_upstream(self) -> Iterator[Metric]:
        client, credentials = self._app[keys.OWN_CLIENT], self._app[keys.CREDENTIALS]
        yield as_read(metrics.UPSTREAM_STREAMS, _by_label(client.open_streams.items()))
        yield as_read(metrics.UPSTREAM_WRITES, [((), client.writes_in_flight)])
        read = (("success", credentials.reads), ("failure", credentials.failed_reads))
        yield as_read(metrics.CREDENTIALS_READ, _by_label(read))

    def _of_reviews(self) -> Iterator[Metric]:
        caches = self._app[keys.ACCESS].caches
        lookups = [
            ((name, result), count)
            for name, cache in caches.items()
            for result, count in (("hit", cache.hits), ("miss", cache.misses), ("shared", cache.shared))
        ]
        yield as_read(metrics.REVIEW_LOOKUPS, lookups)
        yield as_read(metrics.REVIEW_ENTRIES, _by_label((name, len(cache)) for name, cache in caches.items()))

    def _of_reads(self) -> Iterator[Metric]:
        live = self._app[keys.LIVE_JOBS]
        cached = (("hit", live.hits), ("miss", live.lookups - live.hits))
        yield as_read(metrics.CACHE_READS, _by_label(cached))
        shared = (("own", live.reads.begun), ("shared", live.reads.calls - live.reads.begun))
        yield as_read(metrics.SHARED_READS, _by_label(shared))

    def _of_scopes(self) -> Iterator[Metric]:
        told: tuple[tuple[metrics.Family, Callable[[Scope], float]], ...] = (
            (metrics.CACHE_SYNCED, lambda scope: scope.cache.synced),
            (metrics.CACHE_AGE, lambda scope: scope.cache.age),
            (metrics.CACHE_OBJECTS, lambda scope: len(scope.cache.store)),
            (metrics.CACHE_LISTS, lambda scope: scope.cache.lists),
            (metrics.CACHE_FAILURES, lambda scope: scope.cache.failures),
            (metrics.WINDOW_CHANGES, lambda scope: len(scope.cache.window)),
            (metrics.WINDOW_BYTES, lambda scope: scope.cache.window.size),
            (metrics.WINDOW_EVICTED, lambda scope: scope.cache.window.evicted),
            (metrics.WATCHES_EXPIRED, lambda scope: scope.cache.window.expired),
        )
        scopes = self._app[keys.LIVE_JOBS].scopes
        for family, value in told:
            yield as_read(family, _by_label((scope.namespace or "*", value(scope)) for scope in scopes))


def _by_label(values: Iterable[tuple[str, float]]) -> Samples:
    return (((label,), value) for label, value in values)
