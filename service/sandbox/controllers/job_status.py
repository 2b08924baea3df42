"""A Job's status as the Job controller writes it."""

from datetime import datetime
from typing import Any, TypeAlias

from service.sandbox.clock import timestamp
from service.sandbox.store import Object

Condition: TypeAlias = dict[str, Any]

BACKOFF_LIMIT = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
DEADLINE = ("DeadlineExceeded", "Job was active longer than specified deadline")
MAX_FAILED_INDEXES = ("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes")
FAILED_INDEXES = ("FailedIndexes", "Job has failed indexes")
COMPLETIONS = ("CompletionsReached", "Reached expected number of succeeded pods")
SUSPENDED = ("JobSuspended", "Job suspended")

_ORDER = (
    "conditions",
    "startTime",
    "completionTime",
    "active",
    "succeeded",
    "failed",
    "terminating",
    "completedIndexes",
    "failedIndexes",
    "uncountedTerminatedPods",
    "ready",
)
_LEFT_OUT_WHEN_ZERO = frozenset({"conditions", "active", "succeeded", "failed", "completedIndexes"})


def condition(type_: str, reason: str, message: str, now: datetime) -> Condition:
    """Return a condition that holds from now on."""
    return {
        "type": type_,
        "status": "True",
        "lastProbeTime": timestamp(now),
        "lastTransitionTime": timestamp(now),
        "reason": reason,
        "message": message,
    }


def find(job: Object, *types: str) -> Condition | None:
    """Return the Job's condition of one of these types, if it is True."""
    conditions: list[Condition] = job.get("status", {}).get("conditions") or []
    return next((each for each in conditions if each["type"] in types and each["status"] == "True"), None)


def end(job: Object) -> Condition | None:
    """Return the condition that says that the Job finished; None while it has not."""
    return find(job, "Complete", "Failed")


def claim(job: Object, now: datetime) -> None:
    """Say in the Job's managedFields that its status is the Job controller's.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    entries = [each for each in job["metadata"].get("managedFields") or () if each.get("subresource") != "status"]
    entries.append(
        {
            "manager": "kube-controller-manager",
            "operation": "Update",
            "apiVersion": "batch/v1",
            "time": timestamp(now),
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:status": {f"f:{name}": _fields(job["status"][name]) for name in sorted(job["status"])}},
            "subresource": "status",
        }
    )
    job["metadata"]["managedFields"] = sorted(entries, key=lambda each: (each["time"], each["manager"]))


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields below one of a status: only uncountedTerminatedPods has any, and they are sets."""
    if not isinstance(value, dict) or not value:
        return {}
    sets: dict[str, Any] = {
        f"f:{name}": {".": {}} | {f'v:"{uid}"': {} for uid in sorted(uids)} for name, uids in value.items()
    }
    return {".": {}, **sets}


def complete(status: dict[str, Any]) -> dict[str, Any]:
    """Return a status in the order of the API's fields, without the counters that are zero."""
    return {
        name: status[name]
        for name in _ORDER
        if name in status and (status[name] or name not in _LEFT_OUT_WHEN_ZERO)
    }
