"""The parent of one control plane's processes: a program of its own, run by path, standard library only.

It makes a directory, starts and ends processes as the lines on its standard input ask, and when that input ends,
which it does however the asking process ends, it kills them all, removes the directory and goes.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
Children = dict[str, subprocess.Popen[bytes]]


def main() -> None:
    """Serve requests, one JSON object a line, until the input ends or a signal asks to end."""
    for number in ENDING:
        signal.signal(number, lambda *_: sys.exit(0))
    directory = Path(tempfile.mkdtemp(prefix="job-api-cluster-"))
    try:
        serve(directory)
    finally:
        remove(directory)
    os._exit(0)  # the interpreter would complain about a standard output that nobody reads any more


def serve(directory: Path) -> None:
    """Do what standard input asks for; when it ends, end every process that was started, whatever signal comes."""
    children: Children = {}
    try:
        _answer({"directory": str(directory)})
        for line in sys.stdin:
            _answer(_reply(json.loads(line), children, directory))
    except BrokenPipeError:
        pass
    finally:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        _end(children)


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _reply(request: dict[str, Any], children: Children, directory: Path) -> dict[str, Any]:
    try:
        return {"processes": _serve(request, children, directory)}
    except (OSError, KeyError) as error:
        return {"error": f"cannot {request['do']} {request.get('name')}: {type(error).__name__}: {error}"}


def _serve(request: dict[str, Any], children: Children, directory: Path) -> dict[str, Any]:
    name = request.get("name", "")
    match request["do"]:
        case "start":
            children[name] = _start(request["command"], directory, directory / f"{name}.log")
        case "kill":
            _end({name: children.pop(name)})
        case "signal":
            children[name].send_signal(request["number"])
    return {key: {"pid": child.pid, "exit_code": child.poll()} for key, child in children.items()}


def _start(command: list[str], directory: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=directory,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=dying_with_parent(),  # noqa: PLW1509 - this program has one thread
        )


def dying_with_parent() -> Callable[[], None] | None:
    """Return what lets the kernel end a child even when this program is killed; only Linux has such a thing."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _end(children: Children) -> None:
    for child in children.values():
        child.kill()
    for child in children.values():
        child.wait()


def remove(directory: Path) -> None:
    """Remove the directory with all that is in it."""
    for _ in range(50):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(0.1)  # a kubectl of the ended process may still write into it


if __name__ == "__main__":
    main()
