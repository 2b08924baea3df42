"""How many watches of Jobs the apiserver serves, by its own metrics."""

import re
import time

from .candidates import Candidate

SETTLE_SECONDS = 10.0
POLL_SECONDS = 0.5


def count(apiserver: Candidate) -> int:
    """Return the number of Job watches at this moment, whoever they belong to."""
    with apiserver.connection() as connection:
        text = connection.text("GET", "/metrics")
    lines = re.findall(r"^apiserver_longrunning_requests\{([^}]*)\} (\S+)$", text, re.MULTILINE)
    return sum(int(float(value)) for labels, value in lines if _is_job_watch(labels))


def settled_count(apiserver: Candidate) -> int:
    """Return the number once it has stopped changing: watches that just ended leave it a moment later."""
    deadline = time.monotonic() + SETTLE_SECONDS
    before, now = -1, count(apiserver)
    while now != before and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        before, now = now, count(apiserver)
    return now


def _is_job_watch(labels: str) -> bool:
    return 'resource="jobs"' in labels and 'verb="WATCH"' in labels
