"""The Jobs that are read: those of the example, suspended, with the labels that an average user's Job has."""

import time
from dataclasses import dataclass
from typing import Any

import yaml

from tests.contract.manifests import SLEEP1

from .candidates import Candidate
from .http_json import Connection

PREFIX = "sleep1-"
SETTLE_SECONDS = 120.0
POLL_SECONDS = 0.5
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
    """A namespace of the bench's own, and how many Jobs it has."""

    namespace: str
    count: int


def create(apiserver: Candidate, wanted: JobSet) -> None:
    """Make a namespace with its Jobs, and return when nobody has anything more to write into them.

    Raises:
        AnswerError: the apiserver refuses one.
        JobsError: the controller does not get through with them.
    """
    with apiserver.connection() as connection:
        connection.text("POST", "/api/v1/namespaces", {"metadata": {"name": wanted.namespace}})
        collection = apiserver.list_path(wanted.namespace)
        for number in range(wanted.count):
            connection.text("POST", f"{collection}?fieldManager=kubectl-create", _job(job_name(number)))
        _wait_until_suspended(connection, collection)


def size(apiserver: Candidate, made: JobSet) -> int:
    """Return the bytes of one Job as the apiserver answers it."""
    with apiserver.connection() as connection:
        return len(connection.text("GET", apiserver.job_path(made.namespace, job_name(0))))


def _job(name: str) -> dict[str, Any]:
    job: dict[str, Any] = yaml.safe_load(SLEEP1)
    job["metadata"] = {"name": name, "labels": LABELS}
    job["spec"]["suspend"] = True
    return job


def _wait_until_suspended(connection: Connection, collection: str) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not all(map(_is_suspended, connection.get(collection)["items"])):
        if time.monotonic() > deadline:
            raise JobsError(f"not every Job of {collection} says Suspended after {SETTLE_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def _is_suspended(job: dict[str, Any]) -> bool:
    return any(each["type"] == "Suspended" for each in job["status"].get("conditions", []))
