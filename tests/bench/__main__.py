"""`python -m tests.bench` compares the service with kubectl proxy and the apiserver itself, on a control plane."""

import argparse
import json
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.cluster.go_module import BuildError
from tests.cluster.readiness import StartError

from . import jobs, machine, report, results, wrk
from .http_json import AnswerError
from .load_builder import watchload
from .reads import read_rows
from .rows import Row
from .servers import ROOT, Servers
from .watches import watch_row

KEYS = ("a-hot", "b-get", "b-list", "c")
WATCH_KEY = "c"
# Besides one for each watcher.
FILES = 500


def main() -> int:
    """Do what the command line asks; 0 says that everything was measured, not that every goal was met."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = _arguments()
    if sys.platform != "linux":
        sys.stderr.write("bench: what a process costs is read from /proc, which only Linux has\n")
        return 1
    try:
        return _run(arguments)
    except (BuildError, StartError, AnswerError, jobs.JobsError, wrk.LoadError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("bench: interrupted; nothing is left running\n")
        return 130


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", choices=KEYS, default=list(KEYS), help="what to measure")
    parser.add_argument("--rounds", type=_positive, default=3, help="how often each server has its turn")
    parser.add_argument("--seconds", type=_positive, default=10, help="how long a turn of reading takes")
    parser.add_argument("--watch-seconds", type=_positive, default=30, help="how long Jobs change in row c")
    parser.add_argument("--watchers", type=_positive, default=1000, help="how many watch in row c")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench.json", help="the report as JSON")
    return parser.parse_args()


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    rows = _rows(arguments)
    facts = machine.facts()
    _allow_files(arguments.watchers + FILES)
    with Servers() as servers:
        for wanted in {row.jobs for row in rows}:
            jobs.create(servers.direct, wanted)
        facts |= {**machine.versions(servers), "bytes of a Job": jobs.size(servers.direct, rows[0].jobs)}
        found = results.measure(rows, servers, arguments.rounds)
    settings = {name: value for name, value in vars(arguments).items() if name != "output"}
    _write(arguments.output, report.as_json(facts, settings, found))
    sys.stdout.write(f"{report.as_text(facts, found)}\nthe same as JSON: {arguments.output}\n")
    return 1 if any(result.failures for result in found) else 0


def _rows(arguments: argparse.Namespace) -> Sequence[Row]:
    """Return the rows that were asked for, after a look at whether their loads can be made at all."""
    rows: list[Row] = [row for row in read_rows(arguments.seconds) if row.key in arguments.rows]
    if rows:
        wrk.check()
    if WATCH_KEY in arguments.rows:
        rows.append(watch_row(WATCH_KEY, watchload(), arguments.watchers, arguments.watch_seconds))
    return rows


def _allow_files(wanted: int) -> None:
    """Let this process, and so those that it starts, open as many files as the watchers need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
