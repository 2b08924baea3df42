"""The test process's side of a box: its components by name, and a way in."""

import subprocess
import sys
from pathlib import Path

from ..processes import Processes
from ..readiness import StartError
from ..supervisor import remove
from . import cgroups

SECONDS = 60.0


class Box(Processes):
    """Processes in a network, mount and pid namespace of their own, with a cgroup for the pods they make.

    `close()`, and the end of this process in whatever way, end everything in the box, and leave no mount, link,
    cgroup or file.
    """

    def __init__(self, debian: Path) -> None:
        try:
            super().__init__((sys.executable, "-m", "tests.cluster.node.keeper", str(debian)))
        except RuntimeError as error:
            raise StartError("this machine does not let a box be made; the reason is above") from error
        self.cgroup = self.directory.name

    def close(self) -> None:
        """End the box; calling it again does nothing."""
        super().close()
        # Only a killed keeper leaves anything to do here, and then the box may still be ending.
        cgroups.remove(self.cgroup)
        remove(self.directory)

    def pids(self) -> dict[str, int]:
        """Return the components' process ids as the machine counts them, not the box."""
        numbers = self._machine_pids()
        return {name: numbers[inside] for name, inside in super().pids().items() if inside in numbers}

    def enter(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the machine inside the box, and return how it ended and what it printed."""
        return subprocess.run(
            ["nsenter", f"--target={self._init()}", "--net", "--mount", "--pid", "--", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def _init(self) -> int:
        (unshare,) = _children(self.supervisor_pid)
        (init,) = _children(unshare)
        return init

    def _machine_pids(self) -> dict[int, int]:
        namespace = Path(f"/proc/{self._init()}/ns/pid").readlink()
        numbers = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "ns" / "pid").readlink() == namespace:
                    numbers[_innermost_pid(process)] = int(process.name)
            except OSError:
                continue  # it has just ended
        return numbers


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _innermost_pid(process: Path) -> int:
    (line,) = [line for line in (process / "status").read_text().splitlines() if line.startswith("NSpid:")]
    return int(line.split()[-1])
