"""Runs pods on the sandbox's one node, as the scheduler and the kubelet do; containers are only imagined."""

import itertools
from collections.abc import AsyncGenerator
from datetime import timedelta

from service.errors import BadRequest
from service.sandbox.clock import Clock
from service.sandbox.controllers import pods
from service.sandbox.controllers.deletion import DeleteOptions, delete_object
from service.sandbox.events import EventRecorder, Source
from service.sandbox.kubelet import pod_status
from service.sandbox.kubelet.container_log import read_log
from service.sandbox.kubelet.log_reader import LogOptions
from service.sandbox.kubelet.pod_run import ContainerRun, PodRun
from service.sandbox.store import Change, Key, Object, Store
from service.sandbox.work_queue import WorkQueue

NODE = "sandbox"
# How long a pod is Pending, and how long it takes to end one that is deleted, whatever its grace period.
START_SECONDS = 0.1
KILL_SECONDS = 0.1


class Kubelet:
    """Gives each pod of the store a node, runs it and writes its status, and tells events.

    Args:
        store: where the pods are.
        events: where to tell what happens.
        clock: the time.
    """

    def __init__(self, store: Store, events: EventRecorder, clock: Clock) -> None:
        self._store = store
        self._events = events
        self._clock = clock
        self._queue = WorkQueue(clock)
        self._runs: dict[Key, PodRun] = {}
        self._addresses = (f"10.244.{n >> 8}.{n & 255}" for n in itertools.cycle(range(2, 65_534)))
        self._writing = False
        store.listeners.append(self._changed)

    @property
    def waiting(self) -> int:
        """How many pods are to be looked at now."""
        return len(self._queue)

    async def run(self) -> None:
        """Work until cancelled, as a node that is switched off: then nothing runs any more."""
        try:
            await self._queue.work(self._look)
        finally:
            for run in self._runs.values():
                run.kill(self._clock.now())

    def log(self, pod: Key, container: str, options: LogOptions) -> AsyncGenerator[bytes, None]:
        """Return what a container has written, and will write if that is followed.

        Args:
            pod: where the pod is.
            container: the container's name.
            options: what part is wanted.

        Raises:
            BadRequest: there is no such container, it has not begun, or there was no run before.
        """
        run = self._runs.get(pod)
        found = [each for each in run.containers if each.spec["name"] == container] if run else []
        if run is None or not found:
            raise BadRequest(f'container "{container}" in pod "{pod.name}" is not available')
        attempt = found[0].latest_ended if options.previous else found[0].attempt
        if attempt is None and options.previous:
            raise BadRequest(f'previous terminated container "{container}" in pod "{pod.name}" not found')
        if attempt is None:
            reason = pod_status.waiting_reason(run)
            raise BadRequest(f'container "{container}" in pod "{pod.name}" is waiting to start: {reason}')
        return read_log(run, found[0].program, attempt, options, self._clock)

    def _changed(self, change: Change) -> None:
        key = change.stored.key
        if key.resource != "pods":
            return
        if change.type == "DELETED":
            if (run := self._runs.pop(key, None)) is not None:
                run.kill(self._clock.now())
            self._queue.forget(key)
        elif not self._writing:
            self._queue.add(key)

    def _look(self, key: Key) -> None:
        stored = self._store.get(key)
        if stored is None:
            return
        pod = stored.decoded()
        if pods.phase(pod) in pods.FINISHED:
            self._end_deletion(pod)
            return
        run = self._runs.get(key)
        if run is None:
            if pods.is_marked(pod):
                return
            run = self._runs[key] = self._accept(pod)
        if pods.is_marked(pod):
            self._kill(key, pod, run)
        else:
            self._step(key, pod, run)

    def _accept(self, pod: Object) -> PodRun:
        """Give a pod its node; its containers wait."""
        now = self._clock.now()
        pod["spec"]["nodeName"] = NODE
        pod["status"]["conditions"] = [pod_status.scheduled(now)]
        self._write(pod)
        self._events.scheduled(pod, NODE)
        ip = pod_status.HOST_IP if pod["spec"].get("hostNetwork") else next(self._addresses)
        return PodRun(pod, now + timedelta(seconds=START_SECONDS), ip)

    def _step(self, key: Key, pod: Object, run: PodRun) -> None:
        run.step(self._clock.now())
        self._write_status(pod, run)
        for each in run.started:
            self._tell_start(pod, each)
        for each in run.containers:
            if each.restart_at is not None:
                self._tell_backoff(pod, each)
        wake = run.wakes_at()
        if wake is not None:
            self._queue.add_at(key, wake)

    def _kill(self, key: Key, pod: Object, run: PodRun) -> None:
        now = self._clock.now()
        if run.kill_at is None:
            run.kill_at = now + timedelta(seconds=KILL_SECONDS)
            for each in run.containers:
                if each.is_running:
                    message = f"Stopping container {each.spec['name']}"
                    self._events.record(pod, "Normal", "Killing", message, _source(each))
        if now < run.kill_at:
            self._queue.add_at(key, run.kill_at)
            return
        run.kill(now)
        self._write_status(pod, run)
        self._end_deletion(pod)

    def _end_deletion(self, pod: Object) -> None:
        """Confirm that nothing runs any more in a pod that is being deleted."""
        metadata = pod["metadata"]
        if pods.is_marked(pod) and not (
            metadata.get("deletionGracePeriodSeconds") == 0 and metadata.get("finalizers")
        ):
            delete_object(self._store, pods.key_of(pod), DeleteOptions(grace_seconds=0))

    def _write_status(self, pod: Object, run: PodRun) -> None:
        pod["status"] = pod_status.status(pod, run, self._clock.now())
        self._write(pod)

    def _write(self, pod: Object) -> None:
        self._writing = True
        try:
            self._store.update("pods", pod)
        finally:
            self._writing = False

    def _tell_start(self, pod: Object, container: ContainerRun) -> None:
        image = container.spec.get("image", "")
        pulled = f'Container image "{image}" already present on machine and can be accessed by the pod'
        for reason, message in (
            ("Pulled", pulled),
            ("Created", "Container created"),
            ("Started", "Container started"),
        ):
            self._events.record(pod, "Normal", reason, message, _source(container))

    def _tell_backoff(self, pod: Object, container: ContainerRun) -> None:
        metadata = pod["metadata"]
        name = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        message = f"Back-off restarting failed container {container.spec['name']} in pod {name}"
        self._events.record(pod, "Warning", "BackOff", message, _source(container))


def _source(container: ContainerRun) -> Source:
    field = "containers" if container.role == "main" else "initContainers"
    return Source("kubelet", NODE, f"spec.{field}{{{container.spec['name']}}}")
