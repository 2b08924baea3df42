"""The test process's side of the supervisor: start, signal and watch the components by name."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
SUPERVISOR = (sys.executable, "-I", str(Path(__file__).resolve().parent / "supervisor.py"))


class Processes:
    """Processes that cannot outlive this one, and the fresh temporary directory that they run in.

    Their output goes to `<name>.log` in that directory. `close()` kills them all and removes it; the end of this
    process, even by SIGKILL, does the same.
    """

    def __init__(self, supervisor: Sequence[str] = SUPERVISOR) -> None:
        self._lock = threading.Lock()
        self._supervisor = subprocess.Popen(
            supervisor,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.supervisor_pid = self._supervisor.pid
        try:
            self.directory = Path(self._receive()["directory"])
        except RuntimeError:
            self._hang_up()
            raise

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process under a name that no running one has."""
        self._ask(do="start", name=name, command=list(command))

    def kill(self, name: str) -> None:
        """End a process at once; on return it is gone and forgotten."""
        self._ask(do="kill", name=name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal and leave the process in the list."""
        self._ask(do="signal", name=name, number=int(number))

    def pids(self) -> dict[str, int]:
        """Return the processes that were started and not killed since, by name."""
        return {name: state["pid"] for name, state in self._ask(do="list").items()}

    def ended(self) -> dict[str, int]:
        """Return the exit codes of processes that ended without having been asked to."""
        states = self._ask(do="list").items()
        return {name: state["exit_code"] for name, state in states if state["exit_code"] is not None}

    def log(self, name: str, lines: int = 20) -> str:
        """Return the end of a process's output."""
        path = self.directory / f"{name}.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def close(self) -> None:
        """Kill every process and remove the directory; calling it again does nothing."""
        self._hang_up()
        # Only a killed supervisor leaves anything to do here.
        shutil.rmtree(self.directory, ignore_errors=True)

    def _hang_up(self) -> None:
        if self._supervisor.stdin and self._supervisor.stdout and not self._supervisor.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._supervisor.stdin.close()
            self._supervisor.wait()
            self._supervisor.stdout.close()

    def _ask(self, **request: object) -> dict[str, Any]:
        with self._lock:
            if self._supervisor.stdin is None or self._supervisor.stdin.closed:
                raise RuntimeError("the processes were stopped")
            self._supervisor.stdin.write(json.dumps(request) + "\n")
            self._supervisor.stdin.flush()
            answer = self._receive()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        processes: dict[str, Any] = answer["processes"]
        return processes

    def _receive(self) -> dict[str, Any]:
        line = self._supervisor.stdout.readline() if self._supervisor.stdout else ""
        if not line:
            raise RuntimeError(f"the supervisor, process {self._supervisor.pid}, is gone")
        answer: dict[str, Any] = json.loads(line)
        return answer
