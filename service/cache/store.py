"""The Jobs of a scope as they are now, as raw bytes by namespace and name."""

from collections.abc import Iterable, Iterator

from service.cache.selection import Selection
from service.kube.jobs import Job


class JobStore:
    """Jobs by namespace and name. Nothing in it waits, so whoever reads it sees one moment."""

    def __init__(self) -> None:
        self._namespaces: dict[str, dict[str, Job]] = {}
        # Names in the order of lists; made when one is asked for, dropped when a Job comes or goes.
        self._sorted: dict[str, list[str]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Return how many Jobs there are."""
        return self._count

    def get(self, namespace: str, name: str) -> Job | None:
        """Return a Job, or None."""
        return self._namespaces.get(namespace, {}).get(name)

    def select(self, selection: Selection) -> list[Job]:
        """Return the Jobs that are selected, in the order in which the apiserver lists them."""
        found = self._all() if selection.namespace is None else self._of(selection.namespace)
        if selection.labels or selection.fields:
            return [job for job in found if selection.matches(job)]
        return list(found)

    def put(self, job: Job) -> Job | None:
        """Add a Job, or put it in the place of its earlier state, which is returned."""
        names = self._namespaces.setdefault(job.namespace, {})
        before = names.get(job.name)
        names[job.name] = job
        if before is None:
            self._sorted.pop(job.namespace, None)
            self._count += 1
        return before

    def remove(self, namespace: str, name: str) -> Job | None:
        """Remove a Job, and return its last state; None when there was none."""
        names = self._namespaces.get(namespace, {})
        before = names.pop(name, None)
        if before is not None:
            self._sorted.pop(namespace, None)
            self._count -= 1
            if not names:
                del self._namespaces[namespace]
        return before

    def replace(self, jobs: Iterable[Job]) -> None:
        """Put Jobs in the place of all that there were."""
        earlier = JobStore()
        earlier._namespaces = self._namespaces
        self._namespaces, self._sorted, self._count = {}, {}, 0
        for job in jobs:
            self.put(earlier.same(job))

    def same(self, job: Job) -> Job:
        """Return the stored Job when it is the same state, so that its bytes are held once; else the one given."""
        stored = self.get(job.namespace, job.name)
        is_same = stored and stored.uid == job.uid and stored.resource_version == job.resource_version
        return stored if stored and is_same else job

    def _of(self, namespace: str) -> Iterator[Job]:
        jobs = self._namespaces.get(namespace)
        if jobs is None:
            return iter(())
        if namespace not in self._sorted:
            self._sorted[namespace] = sorted(jobs)
        return map(jobs.__getitem__, self._sorted[namespace])

    def _all(self) -> Iterator[Job]:
        return (job for namespace in sorted(self._namespaces, key=_path_order) for job in self._of(namespace))


def _path_order(namespace: str) -> str:
    """Sort as etcd does, whose keys have a slash after the namespace: `a-b/x` comes before `a/x`."""
    return f"{namespace}/"
