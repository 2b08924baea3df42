"""What grows with the number of Jobs: the cache's memory, the time to fill it, and a list of few among many."""

import time
from dataclasses import dataclass

from . import large_lists, procfs, reads, start, wrk
from .asking import warm_up
from .candidates import Candidate
from .http_json import AnswerError
from .jobs import SELECTED, SELECTOR, JobSet
from .rows import Figures, Row, RowError
from .servers import DIRECT, SERVICE, Servers

MANY = JobSet("bench-many", 50_000)
JOBS = (start.JOBS, reads.JOBS, large_lists.JOBS, MANY)
EMPTY = "--namespaces=default"
QUERY = f"labelSelector={SELECTOR}&{reads.FROM_CACHE}"
CONNECTIONS = 1
WARM_UPS = 10


@dataclass(frozen=True, slots=True)
class Growth:
    """So many Jobs, of which a selector chooses few, again and again for some seconds."""

    jobs: JobSet
    seconds: int

    def measure(self, servers: Servers, name: str) -> Figures:
        """Measure one server; the service is a fresh one with these Jobs only, beside one that has none."""
        try:
            if name != SERVICE:
                with servers.running(name) as candidate:
                    return self._selected(servers.direct, candidate)
            with servers.fresh_service(EMPTY) as empty:
                without = _at_rest(empty)
            with servers.fresh_service(f"--namespaces={self.jobs.namespace}") as service:
                return self._grown(service, without) | self._selected(servers.direct, service)
        except (AnswerError, procfs.GoneError, wrk.LoadError) as error:
            raise RowError(str(error)) from error

    def _grown(self, service: Candidate, without_kb: float) -> dict[str, float]:
        resident = _at_rest(service)
        return {
            "ready_ms": service.synced_seconds * 1000,
            "idle_mb": resident / 1024,
            "peak_mb": procfs.peak_kb(service.pid) / 1024,
            "idle_kb": (resident - without_kb) / self.jobs.count,
        }

    def _selected(self, direct: Candidate, candidate: Candidate) -> dict[str, float]:
        there, here = (each.list_path(self.jobs.namespace, QUERY) for each in (direct, candidate))
        reads.compare(direct, candidate, there, here)
        warm_up(candidate, CONNECTIONS, [here] * WARM_UPS)
        return wrk.measure(candidate, wrk.Load(here, CONNECTIONS), self.seconds)


def _at_rest(service: Candidate) -> int:
    time.sleep(start.IDLE_SECONDS)
    return procfs.resident_kb(service.pid)


def growth_rows(seconds: int) -> tuple[Row, ...]:
    """Return the rows; the last one takes minutes, nearly all of them to make its Jobs."""
    return tuple(
        Row(
            key=f"growth-{jobs.count}",
            title=f"{jobs.count:,} Jobs: start until cached, rest, LIST of {SELECTED} by label from the cache",
            names=(DIRECT, SERVICE),
            base=DIRECT,
            compared="p50_ms",
            jobs=jobs,
            goals=(),
            measure=Growth(jobs, seconds).measure,
            most_rounds=1,
            by_default=jobs is not MANY,
        )
        for jobs in JOBS
    )
