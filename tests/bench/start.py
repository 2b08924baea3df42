"""Row (e): from the start until it is ready, and what it takes when nobody calls."""

import time

from . import procfs
from .http_json import AnswerError
from .jobs import JobSet
from .rows import Figures, Row, RowError, at_most
from .servers import SERVICE, Servers

JOBS = JobSet("bench-few", 100)
# What starting left behind is collected, and nothing else happens.
IDLE_SECONDS = 2.0


def measure(servers: Servers, _: str) -> Figures:
    """Start a service for one namespace, so that the other rows' Jobs are none of its business."""
    try:
        with servers.fresh_service(f"--namespaces={JOBS.namespace}") as service:
            time.sleep(IDLE_SECONDS)
            return {
                "ready_ms": service.ready_seconds * 1000,
                "idle_mb": procfs.resident_kb(service.pid) / 1024,
                "peak_mb": procfs.peak_kb(service.pid) / 1024,
            }
    except (AnswerError, procfs.GoneError) as error:
        raise RowError(str(error)) from error


def start_row() -> Row:
    """Return the row."""
    return Row(
        key="e",
        title=f"(e) start until ready, and rest, with {JOBS.count} Jobs",
        names=(SERVICE,),
        base=SERVICE,
        compared="ready_ms",
        jobs=JOBS,
        goals=(at_most(1500, "ready_ms"), at_most(90, "idle_mb")),
        measure=measure,
    )
