"""`python -m tests.bench` compares the service with kubectl proxy and the apiserver itself, on a control plane."""

import argparse
import json
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.go_module import BuildError
from tests.cluster.readiness import StartError

from . import catalogue, chart, jobs, machine, report, results, wrk
from .http_json import AnswerError
from .rows import Row
from .servers import ROOT, Servers

# One for each of the watchers, and some.
FILES = 6000


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
    parser.add_argument(
        "--rows",
        nargs="+",
        choices=catalogue.NAMES,
        default=catalogue.DEFAULT,
        metavar="ROW",
        help=f"what to measure, each row or a group of them: {', '.join(catalogue.NAMES)}",
    )
    parser.add_argument("--rounds", type=_positive, default=3, help="how often each server has its turn")
    parser.add_argument("--seconds", type=_positive, default=3, help="how long a turn of reading or creating takes")
    parser.add_argument("--watch-seconds", type=_positive, default=10, help="how long Jobs change in rows (c)")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench.json", help="the report as JSON")
    parser.add_argument("--svg", type=Path, default=ROOT / "build" / "bench.svg", help="the report as a chart")
    return parser.parse_args()


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    wrk.check()
    rows = catalogue.chosen(arguments.rows, arguments.seconds, arguments.watch_seconds)
    facts, began = machine.facts(), time.monotonic()
    _allow_files(FILES)
    with Servers() as servers:
        _prepare(servers, rows)
        facts |= {**machine.versions(servers), "bytes of a Job": jobs.size(servers.admin)}
        found = results.measure(rows, servers, arguments.rounds)
    facts["minutes"] = round((time.monotonic() - began) / 60, 1)
    settings = {name: value for name, value in vars(arguments).items() if name not in {"output", "svg"}}
    _write(arguments.output, json.dumps(report.as_json(facts, settings, found), indent=2) + "\n")
    _write(arguments.svg, chart.as_svg(facts, found))
    sys.stdout.write(
        f"{report.as_text(facts, found)}\nthe same as JSON: {arguments.output}\nas a chart: {arguments.svg}\n"
    )
    return 1 if any(result.failures for result in found) else 0


def _prepare(servers: Servers, rows: Sequence[Row]) -> None:
    # In the rows' order, so that two runs make the same.
    for wanted in dict.fromkeys([jobs.EXAMPLE, *(row.jobs for row in rows)]):
        results.say(f"{wanted.namespace}: making {wanted.count:,} Jobs")
        jobs.create(servers.admin, wanted)
    for row in rows:
        if row.prepare is not None:
            row.prepare(servers)


def _allow_files(wanted: int) -> None:
    """Let this process, and so those that it starts, open as many files as the watchers need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


if __name__ == "__main__":
    sys.exit(main())
