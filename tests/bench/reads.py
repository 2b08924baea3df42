"""Reads that wrk asks for again and again: rows (a) and (b), those of the access modes, the consistent LIST."""

import json
from dataclasses import dataclass
from typing import Any

from . import wrk
from .asking import warm_up
from .candidates import Candidate
from .http_json import AnswerError
from .jobs import NAME_PATTERN, JobSet, job_name
from .procfs import GoneError
from .rows import Figures, Goal, Row, RowError, at_least, at_most
from .servers import DIRECT, PROXY, SERVICE, SERVICE_NONE, SERVICE_PASSTHROUGH, Servers

JOBS = JobSet("bench-reads", 1000)
HOT = job_name(JOBS.count // 2)
# More than there are connections, so that no two ask for the same Job at once.
DISTINCT = 256
FROM_CACHE = "resourceVersion=0"
CONNECTIONS = (1, 8, 32, 128)
SERVICES = (SERVICE_NONE, SERVICE, SERVICE_PASSTHROUGH)
CPU_OF_FORWARD = at_most(1.7, "cpu_ms", PROXY, beyond=1.3)
CPU_FROM_CACHE = at_most(0.5, "cpu_ms", PROXY, beyond=0.4)


@dataclass(frozen=True, slots=True)
class Reads:
    """One kind of GET, asked by some connections as fast as it is answered, for some seconds.

    Attributes:
        job: the Job to get; NAME_PATTERN: each of them in turn; empty: the whole namespace is listed.
    """

    seconds: int
    job: str
    query: str
    connections: int

    def measure(self, servers: Servers, name: str) -> Figures:
        """Load one server, after a look at whether it gives the right answer at all."""
        try:
            with servers.running(name) as candidate:
                there, here = (self._path(each, DISTINCT - 1) for each in (servers.direct, candidate))
                compare(servers.direct, candidate, there, here)
                warm_up(candidate, self.connections, self._paths(candidate))
                return wrk.measure(candidate, self._load(candidate), self.seconds)
        except (AnswerError, GoneError, wrk.LoadError) as error:
            raise RowError(str(error)) from error
        finally:
            servers.forget_log()

    @property
    def _is_pattern(self) -> bool:
        return self.job == NAME_PATTERN

    def _paths(self, candidate: Candidate) -> list[str]:
        """Return the path of each Job once, for who may do what is reviewed by Job; else the one path."""
        count = DISTINCT if self._is_pattern else self.connections
        return [self._path(candidate, number) for number in range(count)]

    def _load(self, candidate: Candidate) -> wrk.Load:
        return wrk.Load(self._path(candidate), self.connections, jobs=DISTINCT if self._is_pattern else 0)

    def _path(self, candidate: Candidate, number: int | None = None) -> str:
        if not self.job:
            return candidate.list_path(JOBS.namespace, self.query)
        path = candidate.job_path(JOBS.namespace, self.job, self.query)
        return path % number if self._is_pattern and number is not None else path


def compare(direct: Candidate, candidate: Candidate, path_there: str, path_here: str) -> None:
    """See that a server's answer is the apiserver's.

    Raises:
        RowError: it is not.
    """
    if essence(direct.get(path_there)) != essence(candidate.get(path_here)):
        raise RowError(f"GET {path_here}: the answer is not what the apiserver's is")


def essence(answer: dict[str, Any]) -> str:
    """Return what two answers have to agree on."""
    # Items of a list may say their kind or not, and its resourceVersion is of a moment.
    objects = answer.get("items", [answer])
    return json.dumps([{**each, "kind": "", "apiVersion": ""} for each in objects], sort_keys=True)


def read_rows(seconds: int) -> tuple[Row, ...]:
    """Return the rows; each turn takes so long."""
    return (
        _row(
            "a-hot",
            "(a) consistent GET of one hot Job, 32 connections",
            Reads(seconds, HOT, "", 32),
            (at_least(3, "per_second", PROXY),),
        ),
        *(_distinct(seconds, connections) for connections in CONNECTIONS),
        _row(
            "b-get",
            "(b) GET of one Job with resourceVersion=0, 32 connections",
            Reads(seconds, HOT, FROM_CACHE, 32),
            (at_least(5, "per_second", PROXY, beyond=8), CPU_FROM_CACHE),
        ),
        _row(
            "b-list",
            f"(b) LIST of {JOBS.count:,} Jobs with resourceVersion=0, 4 connections",
            Reads(seconds, "", FROM_CACHE, 4),
            (at_least(3, "per_second", DIRECT),),
            names=(DIRECT, SERVICE),
            base=DIRECT,
        ),
        _row("list", f"consistent LIST of {JOBS.count:,} Jobs, 4 connections", Reads(seconds, "", "", 4)),
        _row(
            "mode-get",
            "access modes: consistent GET of distinct Jobs, 32 connections",
            Reads(seconds, NAME_PATTERN, "", 32),
            names=SERVICES,
            base=SERVICE_NONE,
        ),
        _row(
            "mode-cached",
            "access modes: GET of distinct Jobs with resourceVersion=0, 32 connections",
            Reads(seconds, NAME_PATTERN, FROM_CACHE, 32),
            names=SERVICES,
            base=SERVICE_NONE,
        ),
    )


def _distinct(seconds: int, connections: int) -> Row:
    return _row(
        f"a-{connections}",
        f"(a) consistent GET of distinct Jobs, {connections} connection{'s' if connections > 1 else ''}",
        Reads(seconds, NAME_PATTERN, "", connections),
        (at_least(0.8, "per_second", PROXY, beyond=1), CPU_OF_FORWARD),
    )


def _row(
    key: str,
    title: str,
    reads: Reads,
    goals: tuple[Goal, ...] = (),
    names: tuple[str, ...] = (DIRECT, PROXY, SERVICE),
    base: str = PROXY,
) -> Row:
    return Row(
        key=key,
        title=title,
        names=names,
        base=base,
        compared="per_second",
        jobs=JOBS,
        goals=goals,
        measure=reads.measure,
    )
