"""The cache of a scope: its store, its window, and whoever waits for one of its Jobs, changed together."""

import asyncio
import time
from collections.abc import Collection

from service.cache.store import JobStore
from service.cache.subscriptions import Observation, Subscriptions
from service.cache.watch_window import Change, ChangeType, WatchWindow
from service.kube.jobs import Job


class JobCache:
    """What is known of a scope's Jobs. A reflector keeps it true; nothing in it waits.

    Args:
        most_changes: how many changes the window holds at most.
        most_bytes: how many bytes of Jobs the window's changes hold at most.
        stale_seconds: after how many seconds without a word from upstream the cache is no longer trusted.

    Attributes:
        store: the Jobs.
        window: their recent changes.
        subscriptions: who waits for which Job.
        synced: whether the store has been complete; then it is so as of `window.latest`.
        settled: set once the first attempt to sync has come to an end, either way.
        failure: what keeps the cache from hearing of changes at present; None where nothing does.
        lists: how many whole lists were taken over.
        failures: how often something kept it from hearing.
    """

    def __init__(self, most_changes: int, most_bytes: int, stale_seconds: float) -> None:
        self.store = JobStore()
        self.window = WatchWindow(most_changes, most_bytes)
        self.subscriptions = Subscriptions()
        self.synced = False
        self.settled = asyncio.Event()
        self.failure: str | None = None
        self.lists = self.failures = 0
        self._stale_seconds = stale_seconds
        self._heard_at = time.monotonic()

    @property
    def is_stale(self) -> bool:
        """Whether upstream has not been heard for so long that what is known may be far from true."""
        return self.age > self._stale_seconds

    @property
    def age(self) -> float:
        """How many seconds ago upstream was last heard."""
        return time.monotonic() - self._heard_at

    def replace(self, jobs: Collection[Job], resource_version: int) -> None:
        """Take over a whole list; changes before it are not known in full."""
        self.hear()
        self.lists += 1
        self.store.replace(jobs)
        self.window.reset(resource_version)
        self.subscriptions.tell_all(resource_version, self.store.get)
        self.synced = True
        self.settled.set()

    def change(self, type_: ChangeType, job: Job) -> None:
        """Take over a change; one that is known already, which a watch may repeat, changes nothing."""
        self.hear()
        if job.resource_version <= self.window.latest:
            return
        gone = type_ == "DELETED"
        previous = self.store.remove(job.namespace, job.name) if gone else self.store.put(job)
        self.window.add(Change(type_, job, previous))
        self.subscriptions.tell(job.namespace, job.name, Observation(job.resource_version, None if gone else job))

    def progress(self, resource_version: int) -> None:
        """Note that nothing else happened up to a resourceVersion."""
        self.hear()
        self.window.progress(resource_version)

    def hear(self) -> None:
        """Note that upstream is heard."""
        self._heard_at = time.monotonic()
        self.failure = None

    def fail(self, failure: str) -> None:
        """Note why nothing is heard at present; what is known stays."""
        self.failure = failure
        self.failures += 1
        self.settled.set()
