"""The Jobs that are read: those of the example, suspended, with the labels that an average user's Job has."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.contract.manifests import SLEEP1

from .asking import ask_all
from .candidates import Candidate
from .http_json import Connection

PREFIX = "sleep1-"
# For those who count themselves.
NAME_PATTERN = f"{PREFIX}%04d"
# So many have a label that the others have not.
SELECTED = 10
SELECTOR = "job-api.bench/selected"
MADE_AT_ONCE = 8
# The controller writes into each of up to fifty thousand.
SETTLE_SECONDS = 900.0
POLL_SECONDS = 0.5
# A row each, of some hundred bytes, whatever the Jobs' size.
AS_TABLE = {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
EXAMPLE_JOB: dict[str, Any] = yaml.safe_load(SLEEP1)
LABELS = {
    "app.kubernetes.io/name": "sleep1",
    "app.kubernetes.io/instance": "sleep1-nightly",
    "app.kubernetes.io/part-of": "billing",
    "app.kubernetes.io/managed-by": "pipelines",
}


class JobsError(Exception):
    """The Jobs did not come to rest."""


def job_name(number: int) -> str:
    """Return the name of one of the Jobs that `create()` makes."""
    return f"{PREFIX}{number:04d}"


@dataclass(frozen=True, slots=True)
class JobSet:
    """A namespace of the bench's own, and how many suspended Jobs it has."""

    namespace: str
    count: int


# One of which nothing is asked but how large it is.
EXAMPLE = JobSet("bench-example", 1)


def create(apiserver: Candidate, wanted: JobSet) -> None:
    """Make a namespace with its Jobs, and return when nobody has anything more to write into them.

    Raises:
        AnswerError: the apiserver refuses one.
        JobsError: the controller does not get through with them.
    """
    with apiserver.connection() as connection:
        connection.text("POST", "/api/v1/namespaces", {"metadata": {"name": wanted.namespace}})
    collection = apiserver.list_path(wanted.namespace)
    path = f"{collection}?fieldManager=kubectl-create"
    ask_all(apiserver, MADE_AT_ONCE, (("POST", path, _numbered(number)) for number in range(wanted.count)))
    # A connection from before that would have been closed, as an idle one is.
    with apiserver.connection() as connection:
        _wait_until_suspended(connection, collection)


def size(apiserver: Candidate) -> int:
    """Return the bytes of one Job, that of EXAMPLE, as the apiserver answers it."""
    with apiserver.connection() as connection:
        return len(connection.text("GET", apiserver.job_path(EXAMPLE.namespace, job_name(0))))


def _numbered(number: int) -> dict[str, Any]:
    labels = {**LABELS, SELECTOR: "true"} if number < SELECTED else LABELS
    return manifest(job_name(number), labels, suspend=True)


def manifest(name: str, labels: Mapping[str, str] = LABELS, **spec: object) -> dict[str, Any]:
    """Return the example's Job under a name, with labels, and with some fields of its spec."""
    metadata = {"name": name, "labels": dict(labels)}
    return {**EXAMPLE_JOB, "metadata": metadata, "spec": {**EXAMPLE_JOB["spec"], **spec}}


def count(connection: Connection, collection: str) -> int:
    """Return how many Jobs a collection has."""
    listed = connection.get(f"{collection}?limit=1")
    return len(listed["items"]) + int(listed["metadata"].get("remainingItemCount", 0))


def _wait_until_suspended(connection: Connection, collection: str) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not _are_suspended(connection.json("GET", collection, headers=AS_TABLE)):
        if time.monotonic() > deadline:
            raise JobsError(f"not every Job of {collection} says Suspended after {SETTLE_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def _are_suspended(table: dict[str, Any]) -> bool:
    column = [each["name"] for each in table["columnDefinitions"]].index("Status")
    return all(row["cells"][column] == "Suspended" for row in table["rows"])
