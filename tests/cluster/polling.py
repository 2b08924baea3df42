"""Wait for what happens elsewhere, under a watchdog far longer than it ever takes, never for a fixed time."""

import os
import time
from collections.abc import Callable
from pathlib import Path

WATCHDOG_SECONDS = 60.0
POLL_SECONDS = 0.05


def eventually(condition: Callable[[], object], what: str) -> None:
    """Return once the condition holds; fail the test, naming `what`, when it never does."""
    deadline = time.monotonic() + WATCHDOG_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {WATCHDOG_SECONDS:.0f} s"
        time.sleep(POLL_SECONDS)


def is_running(pid: int) -> bool:
    """Say whether the process exists and is more than an entry that its parent has not fetched yet."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def is_frozen(pid: int) -> bool:
    """Say whether SIGSTOP has reached every thread of the process: one that is running a request ends it first."""
    threads = Path(f"/proc/{pid}/task")
    if not threads.exists():
        return True  # not Linux, which tells nobody
    try:
        stats = [(each / "stat").read_text() for each in threads.iterdir()]
    except (ProcessLookupError, FileNotFoundError):
        return False  # a thread has just ended
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)
