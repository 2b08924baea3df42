"""The containers of one pod as the kubelet runs them: which one when, how often, and how each ended.

https://kubernetes.io/docs/concepts/workloads/pods/init-containers/
https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from service.sandbox.kubelet.programs import Program, program
from service.sandbox.store import Object
from service.sandbox.wakers import Wakers

# No process is over in no time; so a watch sees every pod Running.
SHORTEST_SECONDS = 0.1
# The kubelet restarts a container at once, then after 10 s, and doubles that up to 5 min; here it is a hundredth.
RESTART_SECONDS = 0.1
LONGEST_RESTART_SECONDS = 3.0
KILLED = 137

Role: TypeAlias = Literal["init", "sidecar", "main"]

_METADATA = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


@dataclass(slots=True)
class Attempt:
    """One run of a container.

    Attributes:
        number: how many there were before.
        started_at: when it began.
        ended_at: when it ended; None of one that runs.
        exit_code: how it ended.
    """

    number: int
    started_at: datetime
    ended_at: datetime | None = None
    exit_code: int = 0


class ContainerRun:
    """A container and its runs.

    Attributes:
        spec: the container.
        role: what it is for in its pod.
        program: what it does, each time.
        attempt: its present run, or the last one if it has ended; None before the first.
        previous: the run before that.
        restart_at: when it will be started again; None if it will not.
    """

    def __init__(self, pod: Object, spec: dict[str, Any], role: Role) -> None:
        self.spec = spec
        self.role: Role = role
        argv = [*(spec.get("command") or ()), *(spec.get("args") or ())]
        known = bool(spec.get("command"))
        self.program: Program = program(argv if known else [], environment(pod, spec), image=_shown(spec, argv))
        self.attempt: Attempt | None = None
        self.previous: Attempt | None = None
        self.restart_at: datetime | None = None
        self._id_seed = f"{pod['metadata']['uid']}/{spec['name']}"

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self.attempt is not None and self.attempt.ended_at is None

    @property
    def is_over(self) -> bool:
        """Whether it ended for good."""
        return self.attempt is not None and self.attempt.ended_at is not None and self.restart_at is None

    @property
    def has_succeeded(self) -> bool:
        """Whether it ended for good, and well."""
        return self.is_over and self.attempt is not None and self.attempt.exit_code == 0

    @property
    def ends_at(self) -> datetime | None:
        """When its present run will end by itself; None for never."""
        if self.attempt is None or not self.is_running or self.program.seconds == float("inf"):
            return None
        return self.attempt.started_at + timedelta(seconds=max(self.program.seconds, SHORTEST_SECONDS))

    def id_of(self, attempt: Attempt) -> str:
        """Return the containerID of a run."""
        return f"containerd://{hashlib.sha256(f'{self._id_seed}/{attempt.number}'.encode()).hexdigest()}"

    def start(self, now: datetime) -> None:
        """Begin a run."""
        self.previous, number = self.attempt, 0 if self.attempt is None else self.attempt.number + 1
        self.attempt, self.restart_at = Attempt(number, now), None

    def end(self, when: datetime, exit_code: int, *, restart: bool = False) -> None:
        """End the present run, perhaps to begin another one."""
        if self.attempt is None:
            self.attempt = Attempt(0, when)
        if self.attempt.ended_at is None:
            self.attempt.ended_at, self.attempt.exit_code = when, exit_code
        self.restart_at = when + timedelta(seconds=self.backoff_seconds) if restart else None

    @property
    def latest_ended(self) -> Attempt | None:
        """The run that is told as the last one: the latest of those that another one follows, or is to follow."""
        return self.attempt if self.restart_at is not None else self.previous

    @property
    def backoff_seconds(self) -> float:
        """How long the next run has to wait for."""
        number = 0 if self.attempt is None else self.attempt.number
        return min(RESTART_SECONDS * 2 ** min(number - 1, 20), LONGEST_RESTART_SECONDS) if number else 0.0


class PodRun:
    """A pod's containers.

    Args:
        pod: the pod.
        begins_at: when its first container starts.
        ip: its address.

    Attributes:
        uid: the pod's uid.
        ip: its address.
        begins_at: when its first container starts.
        containers: init containers first, in their order.
        kill_at: when what runs is ended, of a pod that is being deleted.
        started: the containers that the latest step started.
        wakers: woken whenever a container may have begun or ended.
    """

    def __init__(self, pod: Object, begins_at: datetime, ip: str) -> None:
        spec = pod["spec"]
        self.ip = ip
        self.uid: str = pod["metadata"]["uid"]
        self.begins_at = begins_at
        self.kill_at: datetime | None = None
        self.started: list[ContainerRun] = []
        self.containers = [
            *(ContainerRun(pod, each, _init_role(each)) for each in spec.get("initContainers") or ()),
            *(ContainerRun(pod, each, "main") for each in spec["containers"]),
        ]
        self._restarts = spec.get("restartPolicy") == "OnFailure"
        self.wakers = Wakers()

    @property
    def mains(self) -> list[ContainerRun]:
        """The containers that the pod is for."""
        return [each for each in self.containers if each.role == "main"]

    @property
    def phase(self) -> str:
        """The pod's phase."""
        if all(each.is_over for each in self.mains):
            return "Succeeded" if all(each.has_succeeded for each in self.mains) else "Failed"
        if any(each.role == "init" and each.is_over and not each.has_succeeded for each in self.containers):
            return "Failed"
        return "Running" if any(each.attempt for each in self.mains) else "Pending"

    def step(self, now: datetime) -> None:
        """End what has ended by now, and start what is to be started."""
        self.started = []
        for each in self.containers:
            if each.ends_at is not None and each.ends_at <= now:
                self._end(each, each.ends_at)
            if each.restart_at is not None and each.restart_at <= now:
                self._start(each, now)
        if self.phase == "Pending" and now >= self.begins_at:
            self._begin(now)
        if self.phase in {"Succeeded", "Failed"}:
            self._stop_sidecars(now)
        self.wakers.wake()

    def kill(self, now: datetime) -> None:
        """End everything, as when the pod is deleted."""
        for each in self.containers:
            if not each.is_over:
                each.end(now, KILLED)
        self.wakers.wake()

    def wakes_at(self) -> datetime | None:
        """Return when the next step is due; None for never."""
        if all(each.attempt is None for each in self.containers):
            return self.begins_at
        times = (when for each in self.containers for when in (each.ends_at, each.restart_at) if when is not None)
        return min(times, default=None)

    def _begin(self, now: datetime) -> None:
        """Start the containers up to the next init container that has to end first."""
        for each in self.containers:
            if each.attempt is None:
                self._start(each, now)
            if each.role == "init" and not each.has_succeeded:
                return

    def _stop_sidecars(self, now: datetime) -> None:
        for each in self.containers:
            if each.is_running or each.restart_at is not None:
                each.end(now, KILLED)

    def _start(self, container: ContainerRun, now: datetime) -> None:
        container.start(now)
        self.started.append(container)

    def _end(self, container: ContainerRun, when: datetime) -> None:
        code = container.program.exit_code
        restart = container.role == "sidecar" or (self._restarts and code != 0)
        container.end(when, code, restart=restart)


def environment(pod: Object, container: dict[str, Any]) -> dict[str, str]:
    """Return the container's variables that have a value of their own, or one of the pod's metadata."""
    found: dict[str, str] = {}
    for each in container.get("env") or ():
        path = ((each.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath")
        value = each.get("value", "") if "valueFrom" not in each else _field(pod, path or "")
        if value is not None:
            found[each["name"]] = value
    return found


def _field(pod: Object, path: str) -> str | None:
    metadata = pod["metadata"]
    plain = {f"metadata.{name}": metadata[name] for name in ("name", "namespace", "uid")}
    plain["spec.nodeName"] = pod["spec"].get("nodeName", "")
    keyed = _METADATA.fullmatch(path)
    if keyed:
        return str((metadata.get(keyed[1]) or {}).get(keyed[2], ""))
    return plain.get(path)


def _shown(spec: dict[str, Any], argv: list[str]) -> str:
    return " ".join([spec.get("image", ""), *argv])


def _init_role(container: dict[str, Any]) -> Role:
    return "sidecar" if container.get("restartPolicy") == "Always" else "init"
