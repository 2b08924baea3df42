"""The log of a pod, relayed as fast as it is read."""

import datetime
import time
from dataclasses import dataclass

from . import jobs, wrk
from .asking import warm_up
from .candidates import Candidate
from .http_json import AnswerError, Connection
from .jobs import JobSet
from .procfs import GoneError
from .rows import Figures, Row, RowError
from .servers import DIRECT, PROXY, SERVICE, Servers

JOBS = JobSet("bench-logs", 0)
JOB = "loud"
CONTAINER = "sleep"
LINE_BYTES = 128
# The fake node is slow in reading it: what the servers add shows in their processor time.
LINES = 8_192
CONNECTIONS = 2
SETTLE_SECONDS = 60.0
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Logs:
    """GETs of the whole log for some seconds."""

    seconds: int

    def measure(self, servers: Servers, name: str) -> Figures:
        """Load one server, after a look at whether the log comes whole."""
        try:
            with servers.running(name) as candidate:
                path = candidate.log_path(JOBS.namespace, JOB, _pod(servers.admin))
                with candidate.connection() as connection:
                    if connection.text("GET", path) != "".join(map(_line, range(LINES))):
                        raise RowError(f"GET {path}: the log is not what was written")
                warm_up(candidate, CONNECTIONS, [path] * CONNECTIONS)
                return wrk.measure(candidate, wrk.Load(path, CONNECTIONS), self.seconds)
        except (AnswerError, GoneError, wrk.LoadError) as error:
            raise RowError(str(error)) from error
        finally:
            servers.forget_log()


def prepare(servers: Servers) -> None:
    """Let a Job run to its end on the fake node, and give its pod a log.

    Raises:
        AnswerError: the apiserver refuses it.
        JobsError: its pod does not end.
    """
    admin, begin = servers.admin, datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
    with admin.connection() as connection:
        connection.text("POST", admin.list_path(JOBS.namespace), jobs.manifest(JOB, completions=1))
        _wait_until_complete(connection, admin)
    second = datetime.timedelta(seconds=1)
    lines = ((begin + number * second, _line(number).encode()) for number in range(LINES))
    servers.write_log(JOBS.namespace, _pod(admin), {CONTAINER: lines})


def _line(number: int) -> str:
    return f"{number:07d} ".ljust(LINE_BYTES - 1, "x") + "\n"


def _pod(admin: Candidate) -> str:
    listed = admin.get(f"/api/v1/namespaces/{JOBS.namespace}/pods?labelSelector=job-name%3D{JOB}")
    name: str = listed["items"][0]["metadata"]["name"]
    return name


def _wait_until_complete(connection: Connection, admin: Candidate) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not connection.get(admin.job_path(JOBS.namespace, JOB)).get("status", {}).get("completionTime"):
        if time.monotonic() > deadline:
            raise jobs.JobsError(f"the Job {JOB} is not complete after {SETTLE_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def log_row(seconds: int) -> Row:
    """Return the row; each turn takes so long."""
    return Row(
        key="log",
        title=f"a pod's log of {LINES * LINE_BYTES / 1e6:.1f} MB, {CONNECTIONS} connections",
        names=(DIRECT, PROXY, SERVICE),
        base=PROXY,
        compared="mb_per_second",
        jobs=JOBS,
        goals=(),
        measure=Logs(seconds).measure,
        prepare=prepare,
    )
