"""Runs a command as a Job and waits for its end, with the client that openapi-python-client makes of /openapi.json.

    run_job.py URL NAMESPACE IMAGE COMMAND...

The log goes to standard output. It ends with 0 when the Job is complete, 1 when it failed, 2 when the service says
no or does not answer. The Job is deleted in any case. TOKEN_FILE names a file with a token, where callers show one.
"""

import os
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import httpx
from job_api_client import AuthenticatedClient, Client
from job_api_client.api.jobs import create_job, delete_job, get_job, read_job_log, wait_for_job
from job_api_client.models import (
    Container,
    Job,
    JobCondition,
    JobManifest,
    JobSpec,
    ObjectMeta,
    PodSpec,
    PodTemplateSpec,
    Status,
)

Answer = TypeVar("Answer")

WAIT_SECONDS = 60
# A wait answers in its time.
DEADLINE = httpx.Timeout(WAIT_SECONDS + 30)


class Refused(Exception):
    """The service, or the apiserver through it, says no.

    Attributes:
        status: says why.
    """

    def __init__(self, status: Status) -> None:
        super().__init__(f"{status.code} {status.reason}: {status.message}")
        self.status = status


def manifest_of(name: str, image: str, command: Sequence[str]) -> JobManifest:
    """Return what is to run."""
    container = Container(name="main", image=image, command=list(command))
    spec = JobSpec(
        backoff_limit=0,
        ttl_seconds_after_finished=3600,  # should nobody be left to delete it
        template=PodTemplateSpec(spec=PodSpec(restart_policy="Never", containers=[container])),
    )
    return JobManifest("batch/v1", "Job", ObjectMeta(name=name), spec)


def api_at(url: str, token_file: str | None) -> Client | AuthenticatedClient:
    """Return what the calls are made with."""
    if token_file is None:
        return Client(base_url=url, timeout=DEADLINE)
    return AuthenticatedClient(base_url=url, timeout=DEADLINE, token=Path(token_file).read_text().strip())


def accepted(answer: Answer) -> Answer:
    """Return an answer that is no error.

    Raises:
        Refused: it is one.
    """
    if isinstance(answer, Status) and answer.status == "Failure":
        raise Refused(answer)
    return answer


def job_of(answer: object) -> Job:
    """Return the Job that an answer is, where it is no error.

    Raises:
        Refused: it is one.
    """
    job = accepted(answer)
    if not isinstance(job, Job):
        raise TypeError(f"no Job: {job!r}")
    return job


def finished(api: Client | AuthenticatedClient, namespace: str, name: str) -> Job:
    """Return the Job once it is finished."""
    while True:
        answer = wait_for_job.sync(namespace, name, client=api, timeout_seconds=WAIT_SECONDS)
        if not is_not_yet(answer):
            return job_of(answer)


def is_not_yet(answer: object) -> bool:
    """Tell whether a wait has ended with nothing but its time."""
    causes = (answer.details.causes if isinstance(answer, Status) and answer.details else None) or []
    return any(cause.reason == "ConditionNotMet" for cause in causes)


def end_of(job: Job) -> JobCondition:
    """Return the condition that says how a finished Job has ended."""
    conditions = (job.status.conditions if job.status else None) or []
    return next(each for each in conditions if each.type_ in {"Complete", "Failed"} and each.status == "True")


def run_job(api: Client | AuthenticatedClient, namespace: str, name: str, manifest: JobManifest) -> bool:
    """Run a Job, and tell whether it is complete."""
    accepted(create_job.sync(namespace, client=api, body=manifest))
    try:
        job = job_of(get_job.sync(namespace, name, client=api))
        tell(f"{name} is there since {job.metadata and job.metadata.creation_timestamp}")
        end = end_of(finished(api, namespace, name))
        sys.stdout.write(str(accepted(read_job_log.sync(namespace, name, client=api))))
        sys.stdout.flush()
        tell(f"{end.type_}: {end.message}")
        return end.type_ == "Complete"
    finally:
        accepted(delete_job.sync(namespace, name, client=api))


def tell(text: str) -> None:
    """Say something beside the log."""
    sys.stderr.write(f"{text}\n")


def main() -> int:
    """Read the command line, run the Job, and return the exit code."""
    if len(sys.argv) < 5:
        tell("usage: run_job.py URL NAMESPACE IMAGE COMMAND...")
        return 2
    _, url, namespace, image, *command = sys.argv
    name = f"run-job-{uuid.uuid4().hex[:8]}"
    try:
        with api_at(url, os.environ.get("TOKEN_FILE")) as api:
            return 0 if run_job(api, namespace, name, manifest_of(name, image, command)) else 1
    except (Refused, httpx.HTTPError) as error:
        tell(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main())
