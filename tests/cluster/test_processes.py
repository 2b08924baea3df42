"""Nothing that was started outlives the process that asked for it, shown with `sleep` as the component."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .polling import eventually, is_running
from .processes import Processes

ROOT = Path(__file__).resolve().parent.parent.parent
SLEEP = ("sleep", "600")
CHILD = """
import json, sys
from tests.cluster.processes import Processes
processes = Processes()
processes.start("one", ["sleep", "600"])
processes.start("two", ["sleep", "600"])
pids = [*processes.pids().values(), processes.supervisor_pid]
print(json.dumps([str(processes.directory), pids]), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def processes() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.close()


def test_closing_ends_every_process_and_removes_the_directory(processes: Processes) -> None:
    processes.start("one", SLEEP)
    pids = [*processes.pids().values(), processes.supervisor_pid]

    processes.close()

    assert not [pid for pid in pids if is_running(pid)]
    assert not processes.directory.exists()


def test_a_killed_process_leaves_neither_its_processes_nor_its_directory() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        directory, pids = json.loads(child.stdout.readline())
        assert all(is_running(pid) for pid in pids)
        child.kill()

    eventually(lambda: not any(map(is_running, pids)), "every process is gone")
    eventually(lambda: not Path(directory).exists(), "the directory is gone")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_killed_supervisor_leaves_no_processes_and_closing_removes_the_directory(processes: Processes) -> None:
    processes.start("one", SLEEP)
    pid = processes.pids()["one"]

    os.kill(processes.supervisor_pid, signal.SIGKILL)

    eventually(lambda: not is_running(pid), "the process is gone")
    processes.close()
    assert not processes.directory.exists()


def test_a_killed_component_is_forgotten_and_the_others_go_on(processes: Processes) -> None:
    processes.start("one", SLEEP)
    processes.start("two", SLEEP)
    pid = processes.pids()["one"]

    processes.kill("one")

    assert not is_running(pid)
    assert processes.pids().keys() == {"two"}
    assert processes.ended() == {}


def test_a_component_that_ends_by_itself_is_reported_with_its_log(processes: Processes) -> None:
    processes.start("one", ["sh", "-c", "echo no such luck >&2; exit 7"])

    eventually(processes.ended, "its end is noticed")
    assert processes.ended() == {"one": 7}
    assert processes.log("one") == "no such luck"


def test_a_program_that_cannot_be_started_is_an_error_that_names_it(processes: Processes) -> None:
    with pytest.raises(RuntimeError, match=r"cannot start one: .*no-such-program"):
        processes.start("one", ["/no-such-program"])
