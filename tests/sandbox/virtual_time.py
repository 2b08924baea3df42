"""The sandbox's controllers in a time of their own, which jumps to whatever happens next."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from service.sandbox.controllers.deletion import delete_object
from service.sandbox.controllers.job_controller import JobController
from service.sandbox.events import EventRecorder
from service.sandbox.kubelet.kubelet import Kubelet
from service.sandbox.kubelet.log_reader import LogOptions
from service.sandbox.store import Key, Object, Store

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class VirtualTimer:
    callback: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


@dataclass
class VirtualClock:
    """A clock that stands still until it is told to go on."""

    time: datetime = START
    _timers: list[tuple[datetime, int, VirtualTimer]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def now(self) -> datetime:
        return self.time

    def call_at(self, when: datetime, callback: Callable[[], None]) -> VirtualTimer:
        timer = VirtualTimer(callback)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    @property
    def waiting(self) -> int:
        """How many timers there are that will go off."""
        return sum(not timer.is_cancelled for _, _, timer in self._timers)

    def next(self) -> datetime | None:
        while self._timers and self._timers[0][2].is_cancelled:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def jump(self) -> None:
        """Go to the next time at which something happens, and let it happen."""
        when = self.next()
        assert when is not None, "nothing will ever happen again"
        self.time = max(self.time, when)
        while (due := self.next()) is not None and due <= self.time:
            heapq.heappop(self._timers)[2].callback()


@dataclass
class Sandbox:
    store: Store
    clock: VirtualClock
    events: EventRecorder
    controller: JobController
    kubelet: Kubelet

    def create(self, name: str, pod: Object | None = None, **spec: Any) -> Key:
        job = complete_job(name, pod or {}, **spec)
        return self.store.create("jobs", job).key

    def job(self, key: Key) -> Object:
        stored = self.store.get(key)
        assert stored is not None
        return stored.decoded()

    def status(self, key: Key) -> Object:
        status: Object = self.job(key).get("status", {})
        return status

    def pods(self, key: Key) -> list[Object]:
        uid = self.job(key)["metadata"]["uid"]
        return [each.decoded() for each in self.store.dependents(uid)]

    def told(self, name: str) -> list[tuple[str, str]]:
        """Return reason and message of the events of an object."""
        found = (each.decoded() for each in self.store.list("events"))
        mine = [each for each in found if each["involvedObject"]["name"] == name]
        return [
            (each["reason"], each["message"])
            for each in sorted(mine, key=lambda e: int(e["metadata"]["resourceVersion"]))
        ]

    async def rest(self) -> None:
        """Let everything happen that happens at this time."""
        await asyncio.sleep(0)
        while self.controller.waiting or self.kubelet.waiting or self.events.waiting:
            await asyncio.sleep(0)

    async def until(self, holds: Callable[[], Any]) -> Any:
        """Let time pass until something holds, and return its value."""
        await self.rest()
        while not (value := holds()):
            self.clock.jump()
            await self.rest()
        return value

    async def wait(self, seconds: float) -> None:
        """Let an amount of time pass."""
        end = self.clock.time + timedelta(seconds=seconds)
        await self.rest()
        while (when := self.clock.next()) is not None and when <= end:
            self.clock.jump()
            await self.rest()
        self.clock.time = end

    async def finished(self, key: Key) -> Object:
        """Let time pass until the Job has finished, and return its status."""
        await self.until(lambda: {"Complete", "Failed"} & set(conditions(self.status(key))))
        return self.status(key)

    async def log(self, pod: Object, container: str = "main", **options: Any) -> bytes:
        """Return the log of a pod's container; one that is followed has to end without time passing."""
        key = Key("pods", "default", pod["metadata"]["name"])
        return b"".join([text async for text in self.kubelet.log(key, container, LogOptions(**options))])

    def delete_pod(self, pod: Object) -> None:
        delete_object(self.store, Key("pods", "default", pod["metadata"]["name"]))


@asynccontextmanager
async def sandbox(store: Store | None = None) -> AsyncIterator[Sandbox]:
    """Run the controllers on a store, in virtual time."""
    store = Store() if store is None else store
    clock = VirtualClock()
    events = EventRecorder(store, clock)
    controller = JobController(store, events, clock, lambda key: void(store.delete(key)))
    kubelet = Kubelet(store, events, clock)
    tasks = [asyncio.create_task(each.run()) for each in (events, controller, kubelet)]
    try:
        yield Sandbox(store, clock, events, controller, kubelet)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def void(_: object) -> None:
    """Forget a value."""


def conditions(status: Object) -> list[str]:
    return [each["type"] for each in status.get("conditions", ())]


def complete_job(name: str, pod: Object, **spec: Any) -> Object:
    """Return a Job as admission leaves it."""
    container = {"name": "main", "image": "busybox", "command": ["echo", "hello"], "resources": {}}
    labels = {"batch.kubernetes.io/job-name": name, "job-name": name}
    indexed = spec.get("completionMode") == "Indexed"
    defaults = {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 2**31 - 1 if "backoffLimitPerIndex" in spec else 6,
        "completionMode": "Indexed" if indexed else "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed",
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "containers": [container],
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 30,
                **pod,
            },
        },
    }
    given = {**defaults, **spec}
    return {
        "kind": "Job",
        "apiVersion": "batch/v1",
        "metadata": {"name": name, "namespace": "default", "generation": 1},
        "spec": {field: value for field, value in given.items() if value is not None},
        "status": {},
    }


def running(*argv: str, **more: Any) -> Object:
    """Return a pod spec of one container."""
    return {"containers": [{"name": "main", "image": "busybox", "command": list(argv), **more}]}
