"""Row (f): Jobs are created, from YAML and each under a name of its own, and deleted afterwards."""

import time
from dataclasses import dataclass

import yaml

from . import jobs, wrk
from .asking import warm_up
from .candidates import Candidate
from .http_json import AnswerError
from .jobs import JobSet
from .procfs import GoneError
from .reads import essence
from .rows import Figures, Row, RowError, at_least
from .servers import DIRECT, PROXY, SERVICE, Servers

JOBS = JobSet("bench-creates", 0)
CONNECTIONS = (1, 16)
# Suspended, and managed by nobody: no controller writes into them while others are created.
MANIFEST = yaml.safe_dump(jobs.manifest(wrk.NAME, suspend=True, managedBy="job-api.bench/nobody"))
YAML = {"Content-Type": "application/yaml"}
FIRST = "first"
SETTLE_SECONDS = 120.0
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Creates:
    """POSTs by some connections, as fast as they are answered, for some seconds."""

    seconds: int
    connections: int

    def measure(self, servers: Servers, name: str) -> Figures:
        """Load one server, see that what it said is created is there, and delete it."""
        try:
            with servers.alone(name), servers.running(name) as candidate:
                return self._measure(servers.admin, candidate)
        except (AnswerError, GoneError, wrk.LoadError) as error:
            raise RowError(str(error)) from error
        finally:
            _delete_all(servers)
            servers.forget_log()

    def _measure(self, admin: Candidate, candidate: Candidate) -> Figures:
        path = candidate.list_path(JOBS.namespace)
        with candidate.connection() as connection:
            created = connection.json("POST", path, MANIFEST.replace(wrk.NAME, FIRST).encode(), YAML)
        if essence(created) != essence(admin.get(admin.job_path(JOBS.namespace, FIRST))):
            raise RowError(f"POST {path}: the answer is not the Job that was created")
        warm_up(candidate, self.connections, [f"{path}?limit=1"] * self.connections)
        figures = wrk.measure(candidate, wrk.Load(path, self.connections, manifest=MANIFEST), self.seconds)
        with admin.connection() as connection:
            count = jobs.count(connection, admin.list_path(JOBS.namespace))
        if count < figures["requests"]:
            raise RowError(f"POST {path}: of {figures['requests']} Jobs that were created only {count} are there")
        return figures


def _delete_all(servers: Servers) -> None:
    """Delete the Jobs, and return when the service, too, knows that they are gone."""
    admin, deadline = servers.admin, time.monotonic() + SETTLE_SECONDS
    collection = admin.list_path(JOBS.namespace)
    with admin.connection() as there, servers.service.connection() as here:
        while (count := jobs.count(there, collection)) or here.get(_cached(servers.service))["items"]:
            if time.monotonic() > deadline:
                raise jobs.JobsError(f"{collection}: {count} Jobs are left {SETTLE_SECONDS:.0f} s after the load")
            if count:
                # What was under way when the load ended is created after all, and then deleted the next time.
                there.text("DELETE", f"{collection}?propagationPolicy=Background")
            time.sleep(POLL_SECONDS)


def _cached(service: Candidate) -> str:
    return service.list_path(JOBS.namespace, "resourceVersion=0")


def create_rows(seconds: int) -> tuple[Row, ...]:
    """Return the rows; each turn takes so long, and what the deletion takes."""
    return tuple(
        Row(
            key=f"f-{connections}",
            title=f"(f) create suspended Jobs, {connections} connection{'s' if connections > 1 else ''}",
            names=(DIRECT, PROXY, SERVICE),
            base=PROXY,
            compared="per_second",
            jobs=JOBS,
            goals=(at_least(0.9, "per_second", PROXY),),
            measure=Creates(seconds, connections).measure,
        )
        for connections in CONNECTIONS
    )
