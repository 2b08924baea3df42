"""`python -m tests.cluster` runs a control plane for a person; `python -m tests.cluster build` only builds it."""

import argparse
import signal
import sys
import time

from .build import BuildError, binaries
from .control_plane import ControlPlane
from .readiness import StartError

POLL_SECONDS = 0.5


def main() -> int:
    """Do what the command line asks and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["run", "build"], default="run")
    command = parser.parse_args().command
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if command == "build":
            _say(f"every program is there, kubectl for one as {binaries().kubectl}")
            return 0
        return _run()
    except (BuildError, StartError) as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("interrupted; nothing is left running")
        return 130


def _run() -> int:
    started = time.monotonic()
    cluster = ControlPlane()
    try:
        cluster.start()
        _say(f"ready after {time.monotonic() - started:.1f} s in {cluster.directory}; Ctrl-C stops it")
        return _watch(cluster)
    finally:
        cluster.stop()


def _watch(cluster: ControlPlane) -> int:
    try:
        sys.stdout.write(f"export KUBECONFIG={cluster.kubeconfig}\n")
        sys.stdout.write("# in another terminal: paste the line above, then `make run`\n")
        sys.stdout.flush()
        while not (ended := cluster.ended()):
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        _say("stopping")
        cluster.stop()
        _say("stopped; nothing is left running")
        return 0
    for name, code in ended.items():
        _say(f"{name} ended with exit code {code}; the end of its log:\n{cluster.log(name)}")
    return 1


def _say(text: str) -> None:
    sys.stderr.write(f"cluster: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
