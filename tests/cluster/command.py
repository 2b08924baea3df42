"""What `python -m` does with a kind of cluster: `run` it for a person, or only `build` what it is made of."""

import argparse
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .cluster import Cluster
from .go_module import BuildError, say
from .readiness import StartError

POLL_SECONDS = 0.5


def main(
    program: str, description: str | None, new_cluster: Callable[[], Cluster], build: Callable[[], Path]
) -> int:
    """Do what the command line asks and return the exit code; `build` returns one of the programs."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("command", nargs="?", choices=["run", "build"], default="run")
    command = parser.parse_args().command
    # SIGINT too: whoever is started in the background by a script has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        if command == "build":
            built = build()
            say(f"every program is there, {built.name} for one as {built}")
            return 0
        return _run(new_cluster())
    except (BuildError, StartError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; nothing is left running")
        return 130


def _run(cluster: Cluster) -> int:
    started = time.monotonic()
    try:
        cluster.start()
        say(f"ready after {time.monotonic() - started:.1f} s in {cluster.directory}; Ctrl-C stops it")
        return _watch(cluster)
    finally:
        cluster.stop()


def _watch(cluster: Cluster) -> int:
    try:
        sys.stdout.write(f"export KUBECONFIG={cluster.kubeconfig}\n")
        sys.stdout.write("# in another terminal: paste the line above, then `make run`\n")
        sys.stdout.flush()
        while not (ended := cluster.ended()):
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        say("stopping")
        cluster.stop()
        say("stopped; nothing is left running")
        return 0
    for name, code in ended.items():
        say(f"{name} ended with exit code {code}; the end of its log:\n{cluster.log(name)}")
    return 1
