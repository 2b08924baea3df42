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
CHANGES_PER_SECOND = 20.0
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
                return self._measure(servers.direct, servers.named(name))
            watches = upstream_watches.settled_count(servers.direct)
            with servers.fresh_service() as service:
                return self._measure(servers.direct, service, watches)
        except (AnswerError, WatchLoadError, procfs.GoneError) as error:
            raise RowError(str(error)) from error

    def _measure(self, direct: Candidate, watched: Candidate, watches: int | None = None) -> Figures:
        pid = watched.pid
        _try(watched)
        procfs.forget_peak(pid)
        before = procfs.resident_kb(pid)
        with WatchLoad(self.program, direct, watched, self.watching) as load:
            load.open()
            time.sleep(IDLE_SECONDS)
            idle = procfs.resident_kb(pid)
            # One of them is the reference.
            upstream = {} if watches is None else {"upstream": upstream_watches.count(direct) - watches - 1.0}
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
        "mb_per_second": found["bytes"] / seconds / 1e6,
    }


def watch_row(key: str, program: Path, watchers: int, seconds: int) -> Row:
    """Return the row: so many watchers, and changes for so long."""
    watching = Watching(JOBS, watchers, CHANGES_PER_SECOND, seconds)
    return Row(
        key=key,
        title=f"(c) {watchers:,} watchers of {JOBS.count} Jobs, {CHANGES_PER_SECOND:.0f} changes a second",
        names=(DIRECT, SERVICE),
        base=DIRECT,
        compared="p99_ms",
        jobs=JOBS,
        goals=GOALS,
        measure=Watches(program, watching).measure,
    )
