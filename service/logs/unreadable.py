"""What of a log cannot be read, and why, in words that help."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from service.errors import ApiError, NotFound
from service.kube.conditions import summary, terminal_condition
from service.kube.jobs import Job
from service.kube.pods import Pod, Waiting
from service.resources import JOBS

# No more are told in an error: its message is for people.
_MOST_TOLD = 10


class Unreadable(Exception):
    """A container's log cannot be read.

    Attributes:
        code: the HTTP status code that the apiserver answered with, or would have.
        reason: why, in one line.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = " ".join(reason.split())

    @property
    def is_passing(self) -> bool:
        """Whether it may be had some time later: of a kubelet that is away, or has too much to do."""
        return self.code == 429 or self.code >= 500


class Unread(NamedTuple):
    """A container whose log could not be read.

    Attributes:
        pod: the pod's name.
        container: the container's name.
        code: as in `Unreadable`.
        reason: as in `Unreadable`.
    """

    pod: str
    container: str
    code: int
    reason: str

    @property
    def line(self) -> bytes:
        """What is told of it in the log's last lines."""
        return f"[{self.place}] -- {self.reason}\n".encode()

    @property
    def place(self) -> str:
        """The container's place in the Job."""
        return f"pod/{self.pod}/{self.container}"


class _Message(msgspec.Struct):
    message: str = ""


def reason_of(pod: Pod, container: str, code: int, body: bytes) -> str:
    """Say why a container's log cannot be read: as the pod's status has it, else as the apiserver says it.

    Args:
        pod: the pod.
        container: the container's name.
        code: the code of the apiserver's answer.
        body: its body, a Status if all is well.
    """
    status = pod.status_of(container)
    if not status.has_run and pod.status.reason:
        return _joined(pod.status.reason, pod.status.message)
    if code == 204 or (not status.has_run and pod.unscheduled_reason):
        return _joined("the pod is not scheduled yet", pod.unscheduled_reason)
    if not status.has_run and status.state.waiting and not pod.has_ended:
        return told_of(status.state.waiting)
    return message_of(body) or f"the apiserver answered {code}"


def told_of(waiting: Waiting) -> str:
    """Say what keeps a container from running."""
    return _joined("waiting to start", waiting.reason, waiting.message)


def message_of(body: bytes) -> str:
    """Return the message of a Status; empty where there is none."""
    try:
        return msgspec.json.decode(body, type=_Message).message
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def nothing_readable(job: str, unread: Sequence[Unread]) -> ApiError:
    """Return what is answered when no container of a Job's pods can be read.

    Args:
        job: the Job's name.
        unread: at least one.
    """
    told = "; ".join(f"{each.place}: {each.reason}" for each in unread[:_MOST_TOLD])
    more = f"; and {len(unread) - _MOST_TOLD} more" if len(unread) > _MOST_TOLD else ""
    causes = [{"message": each.reason, "field": each.place} for each in unread[:_MOST_TOLD]]
    message = f'nothing of the log of {JOBS.plural}.{JOBS.group} "{job}" can be read: {told}{more}'
    return ApiError(message, code=unread[0].code, details=details_of(job) | {"causes": causes})


def no_pods(name: str, job: Job | None) -> NotFound:
    """Return what is answered when a Job has no pods.

    Args:
        name: the Job's name.
        job: its latest state; None where it is gone, or another has its name.
    """
    if job is None:
        told = "is gone, and had no pods while it was followed"
    elif terminal_condition(job):
        told = f"is over and its pods are gone, and their logs with them: {summary(job)}"
    else:
        told = f"has no pods yet: {summary(job)}; ask again, or with follow=true, which waits for the first"
    return NotFound(f'{JOBS.plural}.{JOBS.group} "{name}" {told}', details=details_of(name))


def details_of(job: str) -> dict[str, object]:
    """Return the `details` of a Status about a Job."""
    return {"name": job, "group": JOBS.group, "kind": JOBS.plural}


def _joined(*parts: str) -> str:
    return ": ".join(part for part in parts if part)
