"""A pod as those see it who read its logs: which containers it has, and how each of them is.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from collections.abc import Iterator

import msgspec

from service.kube.objects import decoded

# kubectl's: the container that is meant where none is named.
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_ENDED = ("Succeeded", "Failed")


class Waiting(msgspec.Struct, frozen=True):
    """Why a container does not run yet, or not again."""

    reason: str = ""
    message: str = ""


class Running(msgspec.Struct, frozen=True):
    """It runs."""


class Terminated(msgspec.Struct, frozen=True, rename="camel"):
    """How a container ended."""

    exit_code: int = 0


class State(msgspec.Struct, frozen=True):
    """What a container does; at most one of these is there."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class Status(msgspec.Struct, frozen=True, rename="camel"):
    """What the kubelet says of a container."""

    name: str
    state: State = State()
    last_state: State = State()
    restart_count: int = 0

    @property
    def has_run(self) -> bool:
        """Whether it was ever started, so that there may be a log."""
        ended = self.state.terminated or self.last_state.terminated
        return self.state.running is not None or ended is not None


class Container(msgspec.Struct, frozen=True, rename="camel"):
    """A container as it was asked for."""

    name: str
    restart_policy: str | None = None
    restart_policy_rules: list[msgspec.Raw] | None = None


class Condition(msgspec.Struct, frozen=True):
    """One of a pod's status.conditions."""

    type: str = ""
    status: str = ""
    message: str = ""


class _OwnerReference(msgspec.Struct, frozen=True):
    uid: str = ""
    controller: bool | None = None


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    uid: str = ""
    creation_timestamp: str = ""
    resource_version: str = ""
    annotations: dict[str, str] | None = None
    owner_references: list[_OwnerReference] | None = None


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    restart_policy: str = ""
    init_containers: list[Container] | None = None
    containers: list[Container] | None = None
    ephemeral_containers: list[Container] | None = None


class _PodStatus(msgspec.Struct, frozen=True, rename="camel"):
    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: list[Condition] | None = None
    init_container_statuses: list[Status] | None = None
    container_statuses: list[Status] | None = None
    ephemeral_container_statuses: list[Status] | None = None


class Pod(msgspec.Struct, frozen=True):
    """One state of a pod."""

    metadata: _Metadata
    spec: _Spec = _Spec()
    status: _PodStatus = _PodStatus()

    @property
    def name(self) -> str:
        """Its name."""
        return self.metadata.name

    @property
    def uid(self) -> str:
        """Its uid."""
        return self.metadata.uid

    @property
    def controller_uid(self) -> str:
        """The uid of what controls it; empty for none."""
        owners = self.metadata.owner_references or ()
        return next((each.uid for each in owners if each.controller), "")

    @property
    def has_ended(self) -> bool:
        """Whether nothing in it runs any more, nor will."""
        return self.status.phase in _ENDED

    @property
    def containers(self) -> Iterator[Container]:
        """Its containers: those that prepare first, in their order."""
        for some in (self.spec.init_containers, self.spec.containers, self.spec.ephemeral_containers):
            yield from some or ()

    @property
    def container_statuses(self) -> Iterator[Status]:
        """What the kubelet says of its containers."""
        status = self.status
        for some in (
            status.init_container_statuses,
            status.container_statuses,
            status.ephemeral_container_statuses,
        ):
            yield from some or ()

    @property
    def default_container(self) -> str:
        """The name of the container that is meant where none is named."""
        named = (self.metadata.annotations or {}).get(_DEFAULT_CONTAINER, "")
        if any(each.name == named for each in self.containers):
            return named
        return next((each.name for each in self.spec.containers or ()), "")

    def status_of(self, container: str) -> Status:
        """Return what the kubelet says of a container; before it says anything, that it waits."""
        return next((each for each in self.container_statuses if each.name == container), Status(container))

    def is_over(self, container: str) -> bool:
        """Tell whether a container has ended, and will not be started again."""
        if self.has_ended:
            return True
        ended = self.status_of(container).state.terminated
        if ended is None:
            return False
        asked = next((each for each in self.containers if each.name == container), Container(container))
        policy = asked.restart_policy or self.spec.restart_policy
        if asked.restart_policy_rules or policy == "Always":
            return False
        return policy == "Never" or ended.exit_code == 0

    @property
    def unscheduled_reason(self) -> str:
        """Why it has no node yet; empty where it has one, or nobody has said why."""
        conditions = self.status.conditions or ()
        missing = (each for each in conditions if each.type == "PodScheduled" and each.status == "False")
        return next((each.message for each in missing), "")


_pod = msgspec.json.Decoder(Pod)


def read_pod(raw: bytes) -> Pod:
    """Read a pod's JSON, whole or only its metadata.

    Raises:
        msgspec.DecodeError: it is no object in JSON.
    """
    return decoded(_pod, raw)
