"""Row (c): many watchers of one namespace, and Jobs that change."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import procfs, upstream_watches
from .candidates import Candidate
from .http_json import AnswerError
from .jobs import JobSet
from .rows import Figures, Row, RowError, at_most
from .servers import DIRECT, SERVICE, Servers
from .watch_load import QUERY, Watching, WatchLoad, WatchLoadError

JOBS = JobSet("bench-watches", 20)
# Nobody's limit is to be in the way of so many.
LIMITS = ("--max-streams=6000", "--max-streams-per-caller=6000")
# What connecting left behind is collected, and nothing else happens.
IDLE_SECONDS = 2.0
WRONG = ("gaps", "duplicates", "disorder")
GOALS = (
    at_most(100, "p99_ms"),
    at_most(0, "wrong"),
    at_most(40, "idle_kb"),
    at_most(40, "peak_kb"),
    at_most(1, "upstream"),
)


@dataclass(frozen=True, slots=True)
class Watches:
    """Watchers of a namespace, while its Jobs are changed at the apiserver."""

    program: Path
    watching: Watching

    def measure(self, servers: Servers, name: str) -> Figures:
        """Let the watchers watch through one server; the service is a fresh one, so that its memory is theirs."""
        try:
            if name != SERVICE:
                with servers.running(name) as candidate:
                    return self._measure(servers, candidate)
            watches = upstream_watches.settled_count(servers.admin)
            with servers.fresh_service(*LIMITS) as service:
                return self._measure(servers, service, watches)
        except (AnswerError, WatchLoadError, procfs.GoneError) as error:
            raise RowError(str(error)) from error

    def _measure(self, servers: Servers, watched: Candidate, watches: int | None = None) -> Figures:
        pid = watched.pid
        _try(watched)
        procfs.forget_peak(pid)
        before = procfs.resident_kb(pid)
        with WatchLoad(self.program, servers.direct, watched, self.watching) as load:
            load.open()
            time.sleep(IDLE_SECONDS)
            idle = procfs.resident_kb(pid)
            # One of them is the reference.
            upstream = (
                {} if watches is None else {"upstream": upstream_watches.count(servers.admin) - watches - 1.0}
            )
            cpu = procfs.cpu_seconds(pid)
            figures = _figures(load.run())
            spent = procfs.cpu_seconds(pid) - cpu
            # Linux counts both only roughly.
            peak = max(idle, procfs.peak_kb(pid))
        return {
            **figures,
            **upstream,
            "cpu_ms": spent * 1000 / max(1.0, figures["seen"]),
            "idle_kb": (idle - before) / self.watching.watchers,
            "peak_kb": (peak - before) / self.watching.watchers,
        }


def _try(watched: Candidate) -> None:
    """Watch once, so that a refusal is told in the server's words, and what is loaded late is loaded."""
    with watched.connection() as connection:
        connection.text("GET", watched.list_path(JOBS.namespace, "resourceVersion=0"))
        connection.text("GET", watched.list_path(JOBS.namespace, f"{QUERY}&timeoutSeconds=1"))


def _figures(found: dict[str, Any]) -> dict[str, float]:
    if found["broken"]:
        raise RowError(f"{found['broken']} of {found['watchers']} watches broke off: {found['errors'][0]}")
    # Without an event that arrived there is no latency to tell, and that is what `gaps` says.
    delivered, reference = found["latency_ms"] or {}, found["reference_ms"] or {}
    seconds = found["changes"] / found["rate"]
    counts = {name: float(found[name]) for name in (*WRONG, "foreign", "changes", "seen")}
    return {
        **counts,
        **{f"{name}_ms": value for name, value in delivered.items()},
        **{f"reference_{name}_ms": value for name, value in reference.items()},
        "wrong": sum(counts[name] for name in WRONG),
        "per_second": found["seen"] / seconds,
        "changes_per_second": found["rate"],
        # Near a whole core, the load itself would be what is measured.
        "load_cores": found["load_cores"],
        "received_mb": found["bytes"] / 1e6,
    }


def watch_rows(program: Path, seconds: int) -> tuple[Row, ...]:
    """Return the rows: so many watchers, and changes for so long."""
    return (
        _row(program, Watching(JOBS, 1000, 20.0, seconds)),
        # To connect them takes longer than all else.
        _row(program, Watching(JOBS, 5000, 2.0, seconds), most_rounds=1),
    )


def _row(program: Path, watching: Watching, most_rounds: int | None = None) -> Row:
    return Row(
        key=f"c-{watching.watchers}",
        title=f"(c) {watching.watchers:,} watchers of {JOBS.count} Jobs, {watching.rate:.0f} changes a second",
        names=(DIRECT, SERVICE),
        base=DIRECT,
        compared="p99_ms",
        jobs=JOBS,
        goals=GOALS,
        measure=Watches(program, watching).measure,
        most_rounds=most_rounds,
    )
