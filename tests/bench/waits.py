"""Many callers wait for a condition of one Job; then it comes."""

import asyncio
import json
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import procfs, upstream_watches
from .candidates import Candidate
from .http_json import AnswerError
from .jobs import JobSet, job_name
from .reads import essence
from .rows import Figures, Row, RowError, at_most
from .servers import SERVICE, Servers
from .waiters import Answered, Waiters

JOBS = JobSet("bench-waits", 1)
JOB = job_name(0)
WAITING = re.compile(r'^job_api_streams\{kind="wait"\} (\d+)', re.MULTILINE)
MERGE = {"Content-Type": "application/merge-patch+json"}
IDLE_SECONDS = 2.0
SETTLE_SECONDS = 60.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Waits:
    """So many waiters at once."""

    waiters: int

    def measure(self, servers: Servers, _: str) -> Figures:
        """Let them wait through a fresh service, so that its memory is theirs."""
        try:
            watches = upstream_watches.settled_count(servers.admin)
            with servers.fresh_service() as service:
                condition = f"Bench{time.time_ns():x}"
                _try(service)
                return asyncio.run(self._measure(servers.admin, service, condition, watches))
        except (AnswerError, procfs.GoneError) as error:
            raise RowError(str(error)) from error

    async def _measure(self, admin: Candidate, service: Candidate, condition: str, watches: int) -> Figures:
        procfs.forget_peak(service.pid)
        before = procfs.resident_kb(service.pid)
        async with Waiters(service, _wait_path(service, condition), self.waiters) as waiters:
            await self._all_wait(service, waiters)
            await asyncio.sleep(IDLE_SECONDS)
            idle, upstream = procfs.resident_kb(service.pid), upstream_watches.count(admin) - watches
            cpu = procfs.cpu_seconds(service.pid)
            began, job = await asyncio.to_thread(_set, admin, condition)
            answers = await waiters.answers()
            cpu = procfs.cpu_seconds(service.pid) - cpu
            peak = max(idle, procfs.peak_kb(service.pid))
        return {
            **latencies([answer.at - began for answer in answers]),
            "wrong": sum(not is_right(answer, job) for answer in answers),
            "cpu_ms": cpu * 1000 / self.waiters,
            "idle_kb": (idle - before) / self.waiters,
            "peak_kb": (peak - before) / self.waiters,
            "upstream": upstream,
        }

    async def _all_wait(self, service: Candidate, waiters: Waiters) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while _waiting(service) < self.waiters:
            if waiters.answered or time.monotonic() > deadline:
                raise AnswerError(
                    f"{_waiting(service)} of {self.waiters} wait; {waiters.answered} were answered early"
                )
            await asyncio.sleep(POLL_SECONDS)


def _try(service: Candidate) -> None:
    """Wait once for what is so already, so that a refusal is told, and what is loaded late is loaded."""
    service.get(_wait_path(service, "Suspended"))


def _wait_path(service: Candidate, condition: str) -> str:
    return service.job_path(JOBS.namespace, JOB) + f"/wait?for=condition%3D{condition}&timeoutSeconds=300"


def _waiting(service: Candidate) -> int:
    with service.connection() as connection:
        found = WAITING.search(connection.text("GET", "/metrics"))
    return int(found[1]) if found else 0


def _set(admin: Candidate, condition: str) -> tuple[float, dict[str, Any]]:
    """Give the Job a condition more; return when that was asked for, and the Job as it is then."""
    with admin.connection() as connection:
        path = admin.job_path(JOBS.namespace, JOB)
        conditions = connection.get(path)["status"]["conditions"]
        added = {"type": condition, "status": "True", "reason": "Bench", "message": "it is time"}
        patch = {"status": {"conditions": [*conditions, added]}}
        began = time.monotonic()
        return began, connection.json("PATCH", f"{path}/status", patch, MERGE)


def is_right(answer: Answered, job: dict[str, Any]) -> bool:
    """Say whether an answer is the Job, with the condition that was waited for."""
    return answer.head.startswith("HTTP/1.1 200 ") and essence(json.loads(answer.body)) == essence(job)


def latencies(seconds: Sequence[float]) -> dict[str, float]:
    """Return the percentiles, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000, "max_ms": max(seconds) * 1000}


def wait_row(waiters: int = 1000) -> Row:
    """Return the row: so many waiters."""
    return Row(
        key="wait",
        title=f"{waiters:,} wait for one Job, whose condition comes",
        names=(SERVICE,),
        base=SERVICE,
        compared="p99_ms",
        jobs=JOBS,
        goals=(at_most(0, "wrong"), at_most(1, "upstream")),
        measure=Waits(waiters).measure,
    )
