"""Who waits for which Job: a change wakes those who asked for its Job, and nobody else."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from service.kube.jobs import Job


class Observation(NamedTuple):
    """What became of a Job.

    Attributes:
        resource_version: when.
        job: its state; None where it is not there.
    """

    resource_version: int
    job: Job | None


class JobSubscription:
    """What happens to one Job, from the moment of subscription on."""

    def __init__(self) -> None:
        self._observations: deque[Observation] = deque()
        self._arrived = asyncio.Event()

    def tell(self, observation: Observation) -> None:
        """Add an observation."""
        self._observations.append(observation)
        self._arrived.set()

    async def next(self) -> Observation:
        """Wait for the next observation, and return it."""
        while not self._observations:
            self._arrived.clear()
            await self._arrived.wait()
        return self._observations.popleft()


class Subscriptions:
    """Every subscription, by Job."""

    def __init__(self) -> None:
        self._by_job: dict[tuple[str, str], set[JobSubscription]] = {}

    @contextmanager
    def to(self, namespace: str, name: str) -> Iterator[JobSubscription]:
        """Subscribe to a Job, which need not be there, for as long as the context."""
        subscription, key = JobSubscription(), (namespace, name)
        self._by_job.setdefault(key, set()).add(subscription)
        try:
            yield subscription
        finally:
            self._by_job[key].discard(subscription)
            if not self._by_job[key]:
                del self._by_job[key]

    def tell(self, namespace: str, name: str, observation: Observation) -> None:
        """Tell those who asked for a Job."""
        for each in self._by_job.get((namespace, name), ()):
            each.tell(observation)

    def tell_all(self, resource_version: int, state_of: Callable[[str, str], Job | None]) -> None:
        """Tell everyone how their Job is at a moment, after changes were missed."""
        for namespace, name in self._by_job:
            self.tell(namespace, name, Observation(resource_version, state_of(namespace, name)))
