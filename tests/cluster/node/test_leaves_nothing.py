"""However a node ends, no process, mount, cgroup, link, port or file of it is left."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ..polling import eventually, is_running
from ..processes import ROOT
from ..readiness import StartError
from . import cgroups
from .real_node import RealNode

pytestmark = pytest.mark.node

POD = """
apiVersion: v1
kind: Pod
metadata: {name: lasting}
spec:
  containers: [{name: main, image: busybox, command: [sleep, "600"]}]
"""
CHILD = """
import json, sys
from tests.cluster.node.real_node import RealNode
node = RealNode()
node.start()
node.kubectl("create", "--filename=-", input=sys.argv[1])
node.kubectl("wait", "--for=condition=Ready", "pod/lasting", "--timeout=50s")
print(json.dumps([str(node.directory), node.cgroup, node.server, sorted(node.pids.values())]), flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Traces:
    """What can be seen of a node on the machine."""

    directory: Path
    cgroup: str
    server: str
    pids: list[int]

    def left(self) -> list[str]:
        """Return what is still there."""
        found = [f"process {pid}" for pid in self.pids if is_running(pid)]
        found += [f"process {pid}" for pid in _mentioning(self.directory.name)]
        found += [f"cgroup {path}" for path in cgroups.found(self.cgroup)]
        found += [f"mount {line}" for line in _mounts() if self.directory.name in line]
        return found + [f"directory {self.directory}"] * self.directory.exists() + self._port()

    def _port(self) -> list[str]:
        with socket.socket() as probe:
            port = urlsplit(self.server).port
            assert port is not None
            return [f"port {port}"] if probe.connect_ex(("127.0.0.1", port)) == 0 else []


def _mentioning(word: str) -> list[int]:
    """Return the processes whose command line has the word; a container's shim has its socket's path there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if word in (process / "cmdline").read_text(errors="replace"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def _mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


def _links() -> set[str]:
    return {link.name for link in Path("/sys/class/net").iterdir()}


def test_stopping_leaves_nothing_and_touches_no_other_node(real_node: RealNode) -> None:
    links, mounts = _links(), _mounts()
    with RealNode() as node:
        node.kubectl("create", "--filename=-", input=POD)
        node.kubectl("wait", "--for=condition=Ready", "pod/lasting", "--timeout=50s")
        traces = Traces(node.directory, node.cgroup, node.server, list(node.pids.values()))
        pods = _mentioning("sleep\0600")
        there = traces.left()

    assert len(traces.pids) == len(set(traces.pids)) == 11
    assert any(each.startswith("cgroup") for each in there)
    assert any(each.startswith("port") for each in there)
    assert [pid for pid in pods if is_running(pid)] == []
    assert traces.left() == []
    assert (_links(), _mounts()) == (links, mounts)
    assert real_node.kubectl("get", "--raw=/readyz") == "ok"


@pytest.mark.parametrize("supervisor_too", [False, True], ids=["alone", "with-its-supervisor-killed"])
def test_a_start_that_fails_half_way_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, *, supervisor_too: bool
) -> None:
    node = RealNode()
    seen: list[Traces] = []

    def fail() -> bool:
        seen.append(Traces(node.directory, node.cgroup, node.server, list(node.pids.values())))
        if supervisor_too:
            os.kill(node.pids["supervisor"], signal.SIGKILL)
        raise StartError("names are not answered")

    monkeypatch.setattr(node, "_answers_names", fail)
    with pytest.raises(StartError, match="names are not answered"):
        node.start()

    assert len(seen[0].pids) == 11
    if supervisor_too:  # nobody is left to say when all is done
        eventually(lambda: not seen[0].left(), "everything is gone")
    assert seen[0].left() == []


def test_a_killed_test_run_leaves_nothing() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, POD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        directory, cgroup, server, pids = json.loads(child.stdout.readline())
        traces = Traces(Path(directory), cgroup, server, pids)
        assert [pid for pid in pids if not is_running(pid)] == []
        child.kill()

    eventually(lambda: not traces.left(), "everything is gone")


@pytest.fixture
def command() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.node"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        yield command
        command.kill()


def test_the_command_prints_the_line_to_paste_and_stops_everything_when_told_to(
    command: subprocess.Popen[str],
) -> None:
    assert command.stdout is not None
    kubeconfig = Path(command.stdout.readline().removeprefix("export KUBECONFIG=").strip())
    assert kubeconfig.exists()

    command.send_signal(signal.SIGINT)

    _, errors = command.communicate()
    assert command.returncode == 0
    assert errors.splitlines()[-1] == "cluster: stopped; nothing is left running"
    assert not kubeconfig.parent.exists()
