"""Load of one URL by wrk, and what it costs the server's process."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .candidates import Candidate
from .procfs import cpu_seconds

SCRIPT = Path(__file__).resolve().parent / "wrk.lua"
WARM_UP_SECONDS = 1
PATIENCE_SECONDS = 60


class LoadError(Exception):
    """A load cannot be made, or not all of it was answered well; the message is one line."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of a candidate: a path, and by how many connections that ask again at once when answered."""

    path: str
    connections: int


def check() -> None:
    """Look for the program.

    Raises:
        LoadError: it is not there.
    """
    if shutil.which("wrk") is None:
        raise LoadError("wrk makes the load of these rows: install it first, on Debian: apt-get install wrk")


def measure(candidate: Candidate, load: Load, seconds: int) -> dict[str, float]:
    """Warm a candidate up, load it for some seconds, and return the figures.

    Raises:
        LoadError: wrk failed, or some answer was no success.
    """
    _run(candidate, load, WARM_UP_SECONDS)
    before = cpu_seconds(candidate.pid)
    found = _run(candidate, load, seconds)
    spent = cpu_seconds(candidate.pid) - before
    if not found["requests"]:
        raise LoadError(f"not one answer within {seconds} s")
    return {
        "per_second": found["requests"] / found["seconds"],
        "p50_ms": found["p50_ms"],
        "p99_ms": found["p99_ms"],
        "max_ms": found["max_ms"],
        "cpu_ms": spent * 1000 / found["requests"],
        "mb_per_second": found["bytes"] / found["seconds"] / 1e6,
    }


def _run(candidate: Candidate, load: Load, seconds: int) -> dict[str, float]:
    command = [
        *("wrk", "--threads=1", f"--connections={load.connections}", f"--duration={seconds}s"),
        *("--timeout=30s", f"--script={SCRIPT}"),
        candidate.url + load.path,
    ]
    result = subprocess.run(
        command,
        env={"PATH": os.environ.get("PATH", os.defpath), **_credentials(candidate)},
        capture_output=True,
        text=True,
        timeout=seconds + PATIENCE_SECONDS,
        check=False,
    )
    if result.returncode != 0:
        raise LoadError(f"wrk ended with exit code {result.returncode}: {' '.join(result.stderr.split())}")
    found: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    if found["errors"]:
        raise LoadError(f"{found['errors']} of {found['requests']} answers were no success, or did not come whole")
    return found


def _credentials(candidate: Candidate) -> dict[str, str]:
    return {"WRK_AUTHORIZATION": candidate.authorization} if candidate.authorization else {}
