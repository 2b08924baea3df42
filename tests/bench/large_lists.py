"""Row (d): a LIST of ten thousand Jobs, alone and beside other calls."""

import statistics
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from . import procfs, wrk
from .candidates import Candidate
from .http_json import AnswerError
from .jobs import JobSet, job_name
from .reads import FROM_CACHE, compare
from .rows import Figures, Goal, Row, RowError, at_most
from .servers import DIRECT, PROXY, SERVICE, Servers

JOBS = JobSet("bench-lists", 10_000)
REPEATS = 3
# A small load of GETs, some two hundred a second, whose p99 tells whether the list is in the way.
OTHERS = 2
OTHERS_PAUSE_MS = 10
GOALS: tuple[Goal, ...] = (at_most(1.2, "first_ms", DIRECT), at_most(16, "growth_mb"), at_most(2, "others"))


@dataclass(frozen=True, slots=True)
class LargeLists:
    """LISTs, one after another; the other calls take so many seconds, once idle and once beside lists."""

    seconds: int
    query: str

    def measure(self, servers: Servers, name: str) -> Figures:
        """List through one server; the service is a fresh one, so that its memory is the lists'."""
        try:
            with _server(servers, name) as candidate:
                there, here = (each.list_path(JOBS.namespace, self.query) for each in (servers.direct, candidate))
                compare(servers.direct, candidate, there, here)
                return self._measure(candidate, here)
        except (AnswerError, procfs.GoneError, wrk.LoadError) as error:
            raise RowError(str(error)) from error

    def _measure(self, candidate: Candidate, path: str) -> Figures:
        others = wrk.Load(candidate.job_path(JOBS.namespace, job_name(0)), OTHERS, pause_ms=OTHERS_PAUSE_MS)
        with wrk.Running(candidate, others, self.seconds) as running:
            idle = running.figures()
        procfs.forget_peak(candidate.pid)
        before, cpu = procfs.resident_kb(candidate.pid), procfs.cpu_seconds(candidate.pid)
        alone = [_listed(candidate, path) for _ in range(REPEATS)]
        cpu = procfs.cpu_seconds(candidate.pid) - cpu
        with wrk.Running(candidate, others, self.seconds) as running:
            beside = sum(1 for _ in _lists_until(running, candidate, path))
            busy = running.figures()
        return {
            "first_ms": statistics.median(first for first, _ in alone) * 1000,
            "total_ms": statistics.median(total for _, total in alone) * 1000,
            "cpu_ms": cpu * 1000 / REPEATS,
            "growth_mb": (procfs.peak_kb(candidate.pid) - before) / 1024,
            "others": busy["p99_ms"] / idle["p99_ms"],
            "others_idle_p99_ms": idle["p99_ms"],
            "others_p99_ms": busy["p99_ms"],
            "lists_beside": beside,
        }


def _server(servers: Servers, name: str) -> AbstractContextManager[Candidate]:
    return servers.fresh_service() if name == SERVICE else servers.running(name)


def _lists_until(running: wrk.Running, candidate: Candidate, path: str) -> Iterator[tuple[float, float]]:
    while not running.is_over:
        yield _listed(candidate, path)


def _listed(candidate: Candidate, path: str) -> tuple[float, float]:
    with candidate.connection() as connection:
        return connection.timed(path)


def list_rows(seconds: int) -> tuple[Row, ...]:
    """Return the rows; other calls are measured for so long, twice a turn."""
    return (
        _row("d-list", "consistent", LargeLists(seconds, ""), (DIRECT, PROXY, SERVICE)),
        _row("d-cached", "resourceVersion=0", LargeLists(seconds, FROM_CACHE), (DIRECT, SERVICE)),
    )


def _row(key: str, how: str, lists: LargeLists, names: tuple[str, ...]) -> Row:
    return Row(
        key=key,
        title=f"(d) LIST of {JOBS.count:,} Jobs, {how}",
        names=names,
        base=DIRECT,
        compared="first_ms",
        jobs=JOBS,
        goals=GOALS,
        measure=lists.measure,
    )
