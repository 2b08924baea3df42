"""Rows (a) and (b): reads, asked again and again by wrk."""

import json
from dataclasses import dataclass
from typing import Any

from . import wrk
from .candidates import Candidate
from .http_json import AnswerError
from .jobs import JobSet, job_name
from .procfs import GoneError
from .rows import Figures, Row, RowError, at_least, at_most
from .servers import DIRECT, PROXY, SERVICE, Servers

JOBS = JobSet("bench-reads", 1000)
HOT = job_name(JOBS.count // 2)
FROM_CACHE = "resourceVersion=0"


@dataclass(frozen=True, slots=True)
class Reads:
    """One GET, asked by some connections as fast as it is answered, for some seconds.

    Attributes:
        job: the Job to get; empty: the whole namespace is listed.
    """

    seconds: int
    job: str
    query: str
    connections: int

    def measure(self, servers: Servers, name: str) -> Figures:
        """Load one server, after a look at whether it gives the right answer at all."""
        candidate = servers.named(name)
        try:
            self._compare(servers.direct, candidate)
            return wrk.measure(candidate, wrk.Load(self._path(candidate), self.connections), self.seconds)
        except (AnswerError, GoneError, wrk.LoadError) as error:
            raise RowError(str(error)) from error
        finally:
            servers.forget_log()

    def _path(self, candidate: Candidate) -> str:
        if self.job:
            return candidate.job_path(JOBS.namespace, self.job, self.query)
        return candidate.list_path(JOBS.namespace, self.query)

    def _compare(self, direct: Candidate, candidate: Candidate) -> None:
        path = self._path(candidate)
        if _essence(direct.get(self._path(direct))) != _essence(candidate.get(path)):
            raise RowError(f"GET {path}: the answer is not what the apiserver's is")


def _essence(answer: dict[str, Any]) -> str:
    # Items of a list may say their kind or not, and its resourceVersion is of a moment.
    objects = answer.get("items", [answer])
    return json.dumps([{**each, "kind": "", "apiVersion": ""} for each in objects], sort_keys=True)


def read_rows(seconds: int) -> tuple[Row, ...]:
    """Return the rows; each turn takes so long."""
    return (
        Row(
            key="a-hot",
            title="(a) consistent GET of one hot Job, 32 connections",
            names=(DIRECT, PROXY, SERVICE),
            base=PROXY,
            compared="per_second",
            jobs=JOBS,
            goals=(at_least(3, "per_second", PROXY),),
            measure=Reads(seconds, job=HOT, query="", connections=32).measure,
        ),
        Row(
            key="b-get",
            title="(b) GET of one Job with resourceVersion=0, 32 connections",
            names=(PROXY, SERVICE),
            base=PROXY,
            compared="per_second",
            jobs=JOBS,
            goals=(at_least(8, "per_second", PROXY), at_most(0.4, "cpu_ms", PROXY)),
            measure=Reads(seconds, job=HOT, query=FROM_CACHE, connections=32).measure,
        ),
        Row(
            key="b-list",
            title=f"(b) LIST of {JOBS.count:,} Jobs with resourceVersion=0, 4 connections",
            names=(DIRECT, SERVICE),
            base=DIRECT,
            compared="per_second",
            jobs=JOBS,
            goals=(at_least(3, "per_second", DIRECT),),
            measure=Reads(seconds, job="", query=FROM_CACHE, connections=4).measure,
        ),
    )
