"""DELETE: at once, after a grace period, or once every finalizer is gone.

https://kubernetes.io/docs/concepts/architecture/garbage-collection/ tells of the policies,
https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/ of what holds an object.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from service.sandbox.clock import parsed, timestamp
from service.sandbox.controllers import pods
from service.sandbox.errors import conflict, not_found
from service.sandbox.kinds import JOBS, KINDS, PODS, Kind
from service.sandbox.store import Key, Object, Store

Propagation: TypeAlias = Literal["Background", "Foreground", "Orphan"]

ORPHAN_FINALIZER = "orphan"
FOREGROUND_FINALIZER = "foregroundDeletion"
_DEFAULT_GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """metav1.DeleteOptions, checked.

    Attributes:
        propagation: propagationPolicy; None for the kind's own.
        orphan_dependents: its older form.
        grace_seconds: gracePeriodSeconds; None for the object's own.
        uid: the precondition on it.
        resource_version: the precondition on it.
        dry_run: whether nothing is to be changed.
    """

    propagation: Propagation | None = None
    orphan_dependents: bool | None = None
    grace_seconds: int | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a deletion.

    Attributes:
        content: the object as the deletion left it, or as it last was.
        gone: whether it is not there any more (in a dry run: would not be).
    """

    content: Object
    gone: bool


def delete_object(store: Store, key: Key, options: DeleteOptions = DeleteOptions()) -> Outcome:
    """Delete an object as a DELETE request does; its dependents are the garbage collector's to see to.

    Raises:
        ApiError: 404: there is none; 409: a precondition does not hold.
    """
    stored, kind = store.get(key), KINDS[key.resource]
    if stored is None:
        raise not_found(kind, key.name)
    content = stored.decoded()
    _check_preconditions(kind, content, options)
    before = content["metadata"].get("finalizers") or []
    grace = _grace(content, options) if kind is PODS else None
    if grace is not None and _is_pending(content, grace):
        return Outcome(content, gone=False)
    finalizers = _finalizers(kind, before, options)
    if grace is not None:
        _mark(content, grace)
    elif finalizers:
        _mark(content, 0)
    if finalizers or before:
        content["metadata"]["finalizers"] = finalizers
    stays = bool(finalizers or grace)
    if not options.dry_run:
        content = _carry_out(store, key, content, stays=stays)
    return Outcome(content, gone=not stays)


def _carry_out(store: Store, key: Key, content: Object, *, stays: bool) -> Object:
    if not stays:
        store.delete(key)
        return content
    changed = store.update(key.resource, content)
    return changed.decoded() if changed else content


def _check_preconditions(kind: Kind, content: Object, options: DeleteOptions) -> None:
    metadata = content["metadata"]
    if options.uid is not None and options.uid != metadata["uid"]:
        told = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({metadata['uid']}). "
            "The object might have been deleted and then recreated"
        )
        raise conflict(kind, metadata["name"], told)
    if options.resource_version is not None and options.resource_version != metadata["resourceVersion"]:
        told = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the "
            f"ResourceVersion in record ({metadata['resourceVersion']}). The object might have been modified"
        )
        raise conflict(kind, metadata["name"], told)


def _grace(pod: Object, options: DeleteOptions) -> int:
    """Return how long a pod may take to end; one that runs nowhere needs no time."""
    if pods.phase(pod) in {"Succeeded", "Failed"} or not pod["spec"].get("nodeName"):
        return 0
    own = pod["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE_SECONDS)
    grace = int(own if options.grace_seconds is None else options.grace_seconds)
    return grace if grace >= 0 else 1


def _is_pending(pod: Object, grace: int) -> bool:
    """Tell whether a pod is being deleted already, and no later than asked: a grace period only ever shrinks."""
    present = pod["metadata"].get("deletionGracePeriodSeconds")
    return bool(present) and grace >= present


def _finalizers(kind: Kind, before: list[str], options: DeleteOptions) -> list[str]:
    """Return an object's finalizers with the one that the propagation policy asks for."""
    kept = [each for each in before if each not in {ORPHAN_FINALIZER, FOREGROUND_FINALIZER}]
    match _propagation(kind, before, options):
        case "Orphan":
            return [*kept, ORPHAN_FINALIZER]
        case "Foreground":
            return [*kept, FOREGROUND_FINALIZER]
    return kept


def _propagation(kind: Kind, finalizers: list[str], options: DeleteOptions) -> Propagation:
    """Return the policy: what is asked for, else what the object has, else its kind's, which for Jobs is Orphan."""
    if options.orphan_dependents is not None:
        return "Orphan" if options.orphan_dependents else "Background"
    if options.propagation is not None:
        return options.propagation
    for each in finalizers:
        if each == ORPHAN_FINALIZER:
            return "Orphan"
        if each == FOREGROUND_FINALIZER:
            return "Foreground"
    return "Orphan" if kind is JOBS else "Background"


def _mark(content: Object, grace: int) -> None:
    """Set deletionTimestamp, or move it back."""
    metadata, now = content["metadata"], datetime.now(UTC)
    before = metadata.get("deletionTimestamp")
    if before is None and "generation" in metadata:
        metadata["generation"] += 1
    when = now + timedelta(seconds=grace)
    if before is None or parsed(before) > when:
        metadata["deletionTimestamp"] = timestamp(when)
    metadata["deletionGracePeriodSeconds"] = grace
