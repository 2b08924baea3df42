"""`python -m tests.cluster`, as a person uses it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .polling import eventually

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parent.parent.parent
EXPORT = "export KUBECONFIG="


@pytest.fixture
def command() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.cluster"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        yield command
        command.kill()


def _kubeconfig(command: subprocess.Popen[str]) -> Path:
    assert command.stdout is not None
    line, usage = command.stdout.readline(), command.stdout.readline()
    assert line.startswith(EXPORT)
    assert "make run" in usage
    return Path(line.removeprefix(EXPORT).strip())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_the_line_to_paste_and_stops_everything_when_told_to(
    command: subprocess.Popen[str], number: signal.Signals
) -> None:
    kubeconfig = _kubeconfig(command)
    assert kubeconfig.exists()

    command.send_signal(number)

    _, errors = command.communicate()
    assert command.returncode == 0
    assert errors.splitlines()[-1] == "cluster: stopped; nothing is left running"
    assert not kubeconfig.parent.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="finds the component under /proc")
def test_a_component_that_dies_ends_it_with_its_name(command: subprocess.Popen[str]) -> None:
    directory = _kubeconfig(command).parent
    (scheduler,) = _processes_of(directory, "kube-scheduler")

    os.kill(scheduler, signal.SIGKILL)

    _, errors = command.communicate()
    assert command.returncode == 1
    assert "kube-scheduler ended with exit code -9" in errors
    eventually(lambda: not directory.exists(), "the directory is gone")


def _processes_of(directory: Path, program: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if words[0].endswith(program) and any(str(directory) in word for word in words):
            found.append(int(entry.name))
    return found
