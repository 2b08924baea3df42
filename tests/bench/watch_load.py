"""Run the watch load generator: many watchers that note what arrives, and one writer that changes Jobs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .candidates import Candidate
from .jobs import PREFIX, JobSet
from .load_process import LoadProcess

QUERY = "watch=true&resourceVersion=0"


class WatchLoadError(Exception):
    """The load ended early; the message is its own last line."""


@dataclass(frozen=True, slots=True)
class Watching:
    """So many watchers of a namespace, whose Jobs change so many times a second for so long."""

    jobs: JobSet
    watchers: int
    rate: float
    seconds: int


class WatchLoad(LoadProcess):
    """The program, for a `with` block: open the watches, then change the Jobs.

    One further watch, on the apiserver, is the reference that says how soon a change can be known at all.
    """

    def __init__(self, program: Path, apiserver: Candidate, watched: Candidate, watching: Watching) -> None:
        token = apiserver.authorization.removeprefix("Bearer ")
        super().__init__((str(program), *_flags(apiserver, watched, watching)), {"WATCHLOAD_TOKEN": token})

    def open(self) -> None:
        """Return when every watcher has the initial state.

        Raises:
            WatchLoadError: one of them does not get it.
        """
        self._line()

    def run(self) -> dict[str, Any]:
        """Change the Jobs and return what the program says of how the changes arrived.

        Raises:
            WatchLoadError: a Job could not be changed.
        """
        if self._process.stdin is not None:
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
        summary: dict[str, Any] = json.loads(self._line())
        return summary

    def _line(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            said = self._process.stderr.read() if self._process.stderr else ""
            raise WatchLoadError((said.splitlines() or ["watchload ended without a word"])[-1])
        return line


def _flags(apiserver: Candidate, watched: Candidate, watching: Watching) -> list[str]:
    namespace = watching.jobs.namespace
    return [
        f"-watch={watched.url}{watched.list_path(namespace, QUERY)}",
        f"-reference={apiserver.url}{apiserver.list_path(namespace, QUERY)}",
        f"-collection={apiserver.url}{apiserver.list_path(namespace)}",
        f"-ca={apiserver.ca_file}",
        f"-prefix={PREFIX}",
        f"-watchers={watching.watchers}",
        f"-jobs={watching.jobs.count}",
        f"-rate={watching.rate}",
        f"-duration={watching.seconds}s",
    ]
