"""Runs Jobs to their end, and removes them when their time has come, as kube-controller-manager does."""

from collections.abc import Callable
from datetime import timedelta

from service.sandbox.clock import Clock, parsed
from service.sandbox.controllers import job_status, pods
from service.sandbox.controllers.job_sync import JobSync
from service.sandbox.controllers.job_view import Backoff
from service.sandbox.events import EventRecorder
from service.sandbox.store import Change, Key, Object, Store
from service.sandbox.work_queue import WorkQueue

# Changes of a Job's pods within this time are looked at together; the real controller waits for 1 s.
BATCH_SECONDS = 0.1
_OWN_NAME = "kubernetes.io/job-controller"


class JobController:
    """Creates and deletes the pods of the store's Jobs, writes the Jobs' statuses, and tells events.

    Args:
        store: where the Jobs are; every one in it is complete and valid.
        events: where to tell what happens.
        clock: the time.
        delete: deletes the Job at a key whose ttlSecondsAfterFinished is over; the real one does it with
            propagationPolicy Foreground (https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/).
    """

    def __init__(self, store: Store, events: EventRecorder, clock: Clock, delete: Callable[[Key], None]) -> None:
        self._store = store
        self._events = events
        self._clock = clock
        self._delete = delete
        self._queue = WorkQueue(clock)
        self._jobs: dict[str, Key] = {}
        self._backoffs: dict[str, Backoff] = {}
        store.listeners.append(self._changed)

    @property
    def waiting(self) -> int:
        """How many objects are to be looked at now."""
        return len(self._queue)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._queue.work(self._look)

    def _changed(self, change: Change) -> None:
        stored = change.stored
        if stored.key.resource == "jobs":
            self._job_changed(change)
        elif stored.key.resource == "pods":
            owners = [self._jobs[uid] for uid in stored.owners if uid in self._jobs]
            for key in owners:
                self._queue.add_after(key, BATCH_SECONDS)
            if not owners and change.type != "DELETED":
                self._queue.add(stored.key)

    def _job_changed(self, change: Change) -> None:
        stored = change.stored
        if change.type == "DELETED":
            self._jobs.pop(stored.uid, None)
            self._backoffs.pop(stored.uid, None)
            self._queue.forget(stored.key)
            for pod in self._store.dependents(stored.uid):
                self._queue.add(pod.key)
        elif change.type == "ADDED":
            self._jobs[stored.uid] = stored.key
            self._queue.add(stored.key)
        else:
            self._queue.add_after(stored.key, BATCH_SECONDS)

    def _look(self, key: Key) -> None:
        stored = self._store.get(key)
        if stored is None:
            return
        if key.resource == "pods":
            self._release(stored.decoded())
            return
        job = stored.decoded()
        if is_managed_elsewhere(job):
            return
        if job_status.end(job) is None:
            self._sync(key, job)
        stored = self._store.get(key)
        if stored is not None:
            self._expire(stored.decoded())

    def _sync(self, key: Key, job: Object) -> None:
        uid = job["metadata"]["uid"]
        sync = JobSync(self._store, self._events, self._clock.now(), job, self._backoffs.setdefault(uid, Backoff()))
        sync.run()
        if job_status.end(job) is not None:
            del self._backoffs[uid]
        elif sync.wake is not None:
            self._queue.add_at(key, sync.wake)

    def _expire(self, job: Object) -> None:
        """Delete a Job that has finished long enough ago."""
        end, seconds = job_status.end(job), job["spec"].get("ttlSecondsAfterFinished")
        if end is None or seconds is None or "deletionTimestamp" in job["metadata"]:
            return
        key = Key("jobs", job["metadata"]["namespace"], job["metadata"]["name"])
        when = parsed(end["lastTransitionTime"]) + timedelta(seconds=seconds)
        if when <= self._clock.now():
            self._delete(key)
        else:
            self._queue.add_at(key, when)

    def _release(self, pod: Object) -> None:
        """Take the finalizer off a pod whose Job is gone: nobody counts it any more."""
        if pods.is_tracked(pod) and pods.controller_uid(pod) not in self._jobs:
            pods.remove_finalizer(self._store, pods.key_of(pod))


def is_managed_elsewhere(job: Object) -> bool:
    """Return whether the Job's managedBy leaves it to another controller, so that this one leaves it alone."""
    return job["spec"].get("managedBy") not in (None, _OWN_NAME)
