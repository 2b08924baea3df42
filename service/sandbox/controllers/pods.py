"""What a pod says of itself, and the finalizer by which the Job controller keeps it until it is counted.

https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-tracking-with-finalizers
"""

from typing import Any

from service.sandbox.store import Key, Object, Store

TRACKING_FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
FINISHED = frozenset({"Succeeded", "Failed"})


def key_of(pod: Object) -> Key:
    """Return where a pod is in the store."""
    return Key("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])


def phase(pod: Object) -> str:
    """Return the pod's phase."""
    return str(pod["status"].get("phase", ""))


def is_marked(pod: Object) -> bool:
    """Return whether the pod's deletion was asked for."""
    return "deletionTimestamp" in pod["metadata"]


def is_active(pod: Object) -> bool:
    """Return whether the pod neither finished nor is being deleted."""
    return phase(pod) not in FINISHED and not is_marked(pod)


def is_terminating(pod: Object) -> bool:
    """Return whether the pod is being deleted and still runs."""
    return phase(pod) not in FINISHED and is_marked(pod)


def is_ready(pod: Object) -> bool:
    """Return whether the pod's condition Ready is True."""
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))


def is_tracked(pod: Object) -> bool:
    """Return whether the pod waits to be counted in its Job's status."""
    return TRACKING_FINALIZER in pod["metadata"].get("finalizers", ())


def completion_index(pod: Object) -> int | None:
    """Return which of an Indexed Job's pods it is."""
    text = (pod["metadata"].get("annotations") or {}).get(INDEX, "")
    return int(text) if text.isdecimal() else None


def controller_uid(pod: Object) -> str | None:
    """Return the uid of the object that controls the pod."""
    owners: list[dict[str, Any]] = pod["metadata"].get("ownerReferences") or []
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def finished_at(pod: Object) -> str:
    """Return when the last of the pod's containers ended; the pod's creation while one has not."""
    ends = [
        each["state"].get("terminated", {}).get("finishedAt") for each in pod["status"].get("containerStatuses", ())
    ]
    return str(max(ends)) if ends and all(ends) else str(pod["metadata"]["creationTimestamp"])


def remove_finalizer(store: Store, key: Key) -> None:
    """Take the Job controller's finalizer off a pod, which ends a deletion that has waited for that only."""
    stored = store.get(key)
    if stored is None:
        return
    pod = stored.decoded()
    metadata = pod["metadata"]
    if not is_tracked(pod):
        return
    metadata["finalizers"].remove(TRACKING_FINALIZER)
    if not metadata["finalizers"]:
        del metadata["finalizers"]
        if metadata.get("deletionGracePeriodSeconds") == 0:
            store.delete(key)
            return
    store.update("pods", pod)
