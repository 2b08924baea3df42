"""Removes what nobody owns any more, and carries out what a deletion's finalizer asks for.

As in kube-controller-manager, an object is looked at when it, its owner or one of its dependents changed:
https://kubernetes.io/docs/concepts/architecture/garbage-collection/. Owners of kinds that the sandbox does not
serve are taken to be there.
"""

from service.sandbox.clock import Clock
from service.sandbox.controllers.deletion import (
    FOREGROUND_FINALIZER,
    ORPHAN_FINALIZER,
    DeleteOptions,
    delete_object,
)
from service.sandbox.kinds import KINDS
from service.sandbox.store import Change, Key, Object, Store, Stored
from service.sandbox.work_queue import WorkQueue

_RESOURCES = {kind.name: kind.plural for kind in KINDS.values()}


class GarbageCollector:
    """Follows the changes of a store.

    Args:
        store: where the objects are.
        clock: the time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._queue = WorkQueue(clock)
        self._waiting: dict[str, Key] = {}
        store.listeners.append(self._changed)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._queue.work(self._look)

    def _changed(self, change: Change) -> None:
        stored = change.stored
        if change.type == "DELETED":
            self._waiting.pop(stored.uid, None)
            for dependent in self._store.dependents(stored.uid):
                self._queue.add(dependent.key)
        elif stored.owners or b'"deletionTimestamp"' in stored.raw:
            self._queue.add(stored.key)
        for uid in stored.owners & self._waiting.keys():
            self._queue.add(self._waiting[uid])

    def _look(self, key: Key) -> None:
        stored = self._store.get(key)
        if stored is None:
            return
        content = stored.decoded()
        if "deletionTimestamp" in content["metadata"]:
            self._finish(stored, content)
        elif stored.owners and not any(
            self._is_there(key, owner) for owner in content["metadata"]["ownerReferences"]
        ):
            self._collect(stored)

    def _is_there(self, dependent: Key, owner: Object) -> bool:
        resource = _RESOURCES.get(owner["kind"])
        if resource is None:
            return True
        found = self._store.get(Key(resource, dependent.namespace, owner["name"]))
        return found is not None and found.uid == owner["uid"]

    def _collect(self, stored: Stored) -> None:
        delete_object(self._store, stored.key, DeleteOptions("Background", uid=stored.uid))

    def _finish(self, stored: Stored, content: Object) -> None:
        """Do what a deletion waits for, and end it when it waits for nothing."""
        finalizers = content["metadata"].get("finalizers") or []
        if ORPHAN_FINALIZER in finalizers:
            for dependent in self._store.dependents(stored.uid):
                self._orphan(dependent, stored.uid)
            self._release(stored.key, content, ORPHAN_FINALIZER)
        elif FOREGROUND_FINALIZER in finalizers:
            self._delete_dependents(stored, content)
        elif not finalizers and not content["metadata"].get("deletionGracePeriodSeconds"):
            self._store.delete(stored.key)

    def _orphan(self, dependent: Stored, owner: str) -> None:
        content = dependent.decoded()
        left = [each for each in content["metadata"]["ownerReferences"] if each["uid"] != owner]
        content["metadata"]["ownerReferences"] = left
        if not left:
            del content["metadata"]["ownerReferences"]
        self._store.update(dependent.key.resource, content)

    def _delete_dependents(self, stored: Stored, content: Object) -> None:
        """Delete what an object owns; it goes once none is left that blocks its deletion."""
        self._waiting[stored.uid] = stored.key
        for dependent in self._store.dependents(stored.uid):
            if "deletionTimestamp" not in dependent.decoded()["metadata"]:
                self._collect(dependent)
        if not any(_blocks(dependent, stored.uid) for dependent in self._store.dependents(stored.uid)):
            self._release(stored.key, content, FOREGROUND_FINALIZER)

    def _release(self, key: Key, content: Object, finalizer: str) -> None:
        """Take a finalizer off an object, and remove the object when that was the last one."""
        metadata = content["metadata"]
        metadata["finalizers"] = [each for each in metadata["finalizers"] if each != finalizer]
        if metadata["finalizers"]:
            self._store.update(key.resource, content)
        else:
            self._store.delete(key)


def _blocks(dependent: Stored, owner: str) -> bool:
    owners = dependent.decoded()["metadata"]["ownerReferences"]
    return any(each["uid"] == owner and each.get("blockOwnerDeletion") for each in owners)
