"""What the figures were taken on: without it they say nothing."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .servers import Servers


def facts() -> dict[str, Any]:
    """Return what the machine is and, as long as nothing was started, what else it does."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _line(Path("/proc/cpuinfo"), "model name"),
        "memory": _line(Path("/proc/meminfo"), "MemTotal"),
        "kernel": platform.release(),
        "load before": round(os.getloadavg()[0], 2),
    }


def versions(servers: Servers) -> dict[str, Any]:
    """Return which programs are compared, and what compares them."""
    service = servers.service.get("/version")
    return {
        "python": platform.python_version(),
        "aiohttp": version("aiohttp"),
        "service": f"{service['version']} ({service['gitCommit']})",
        "kubernetes": servers.direct.get("/version")["gitVersion"],
        "wrk": _wrk(),
    }


def _line(path: Path, name: str) -> str:
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "unknown")


def _wrk() -> str:
    # Its version comes with its usage, and with the exit code of a mistake.
    try:
        said = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return "none"
    return " ".join(said.split()[1:2])
