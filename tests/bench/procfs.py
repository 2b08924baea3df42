"""What Linux tells of a process: the processor time it took and the memory it has; see proc(5)."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


class GoneError(Exception):
    """The process has ended; every function here may say so."""


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process took so far, its system calls included."""
    # The second field is the program's name in parentheses, which may contain anything.
    fields = _read(pid, "stat").rpartition(")")[2].split()
    user, system = fields[11:13]
    return (int(user) + int(system)) / _TICKS


def resident_kb(pid: int) -> int:
    """Return the memory that a process has now."""
    return _status(pid, "VmRSS")


def peak_kb(pid: int) -> int:
    """Return the most memory that a process had since its start, or since `forget_peak()`."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let the peak begin at what the process has now."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except (FileNotFoundError, ProcessLookupError) as error:
        raise GoneError(f"process {pid} has ended") from error


def _status(pid: int, field: str) -> int:
    for line in _read(pid, "status").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    # Its entry stays until its parent has fetched its exit code, but it has no memory any more.
    raise GoneError(f"process {pid} has ended")


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError) as error:
        raise GoneError(f"process {pid} has ended") from error
