"""Load by wrk, and what it costs the server's process."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from .candidates import Candidate
from .load_process import LoadProcess
from .procfs import cpu_seconds

SCRIPT = Path(__file__).resolve().parent / "wrk.lua"
PATIENCE_SECONDS = 60
# Where the name goes in a manifest that is sent again and again.
NAME = "NAME-OF-ITS-OWN"


class LoadError(Exception):
    """A load cannot be made, or not all of it was answered well; the message is one line."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of a candidate, by how many connections that ask again at once when answered.

    Attributes:
        path: what to GET; with jobs it has a place for a number, as `%04d`.
        jobs: so many numbers are put there in turn, from 0; 0: there is no such place.
        manifest: what to POST, with NAME in the place of the name; empty: nothing is sent.
        pause_ms: how long each connection waits before it asks again.
    """

    path: str
    connections: int
    jobs: int = 0
    manifest: str = ""
    pause_ms: int = 0


def check() -> None:
    """Look for the program.

    Raises:
        LoadError: it is not there.
    """
    if shutil.which("wrk") is None:
        raise LoadError("wrk makes the load of these rows: install it first, on Debian: apt-get install wrk")


def measure(candidate: Candidate, load: Load, seconds: int) -> dict[str, float]:
    """Load a candidate for some seconds and return the figures.

    To warm it up, see `warm_up()`, is the caller's business.

    Raises:
        LoadError: wrk failed, or some answer was no success.
    """
    before = cpu_seconds(candidate.pid)
    with Running(candidate, load, seconds) as loaded:
        found = loaded.figures()
    return {**found, "cpu_ms": (cpu_seconds(candidate.pid) - before) * 1000 / found["requests"]}


class Running(LoadProcess):
    """A load under way, for a `with` block."""

    def __init__(self, candidate: Candidate, load: Load, seconds: int) -> None:
        self._seconds = seconds
        address = candidate.url + (load.path % 0 if load.jobs else load.path)
        how = ("--threads=1", f"--connections={load.connections}", f"--duration={seconds}s", "--timeout=30s")
        super().__init__(("wrk", *how, f"--script={SCRIPT}", address), variables(candidate, load))

    @property
    def is_over(self) -> bool:
        """Whether everything was asked."""
        return self._process.poll() is not None

    def figures(self) -> dict[str, float]:
        """Wait for its end and return what wrk found.

        Raises:
            LoadError: wrk failed, nothing was answered, or some answer was no success.
        """
        output, errors = self._process.communicate(timeout=self._seconds + PATIENCE_SECONDS)
        if self._process.returncode != 0:
            raise LoadError(f"wrk ended with exit code {self._process.returncode}: {' '.join(errors.split())}")
        return figures_of(output)


def figures_of(output: str) -> dict[str, float]:
    """Return the figures of what the script printed last.

    Raises:
        LoadError: nothing was answered, or some answer was no success.
    """
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    if found["errors"]:
        raise LoadError(f"{found['errors']} of {found['requests']} answers were no success, or did not come whole")
    if not found["requests"]:
        raise LoadError(f"not one answer within {found['seconds']:.0f} s")
    return {
        "requests": found["requests"],
        "per_second": found["requests"] / found["seconds"],
        "mb_per_second": found["bytes"] / found["seconds"] / 1e6,
        "p50_ms": found["p50_ms"],
        "p99_ms": found["p99_ms"],
        "max_ms": found["max_ms"],
    }


def variables(candidate: Candidate, load: Load) -> dict[str, str]:
    """Return what the script is told of a load."""
    found = {"WRK_AUTHORIZATION": candidate.authorization} if candidate.authorization else {}
    if load.jobs:
        found |= {"WRK_PATTERN": load.path, "WRK_COUNT": str(load.jobs)}
    if load.manifest:
        before, _, after = load.manifest.partition(NAME)
        # No name may come twice, not even in another run.
        found |= {"WRK_BEFORE_NAME": before, "WRK_NAME": f"run-{time.time_ns():x}-", "WRK_AFTER_NAME": after}
    if load.pause_ms:
        found["WRK_PAUSE_MS"] = str(load.pause_ms)
    return found
