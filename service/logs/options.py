"""What is asked of a Job's log."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.errors import BadRequest, shown
from service.kube.pods import Pod


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """What is asked of a Job's log; what is about lines holds for each container, as in kubectl.

    Attributes:
        follow: go on until the Job has finished.
        previous: of each container, the run before the present one.
        timestamps: begin each line with its time.
        tail_lines: only so many of the last lines; None for all.
        limit_bytes: no more than so many bytes; None for all.
        since_seconds: only what is not older; None for all.
        since_time: only what is not older, as RFC 3339; empty for all.
        pod: only this pod; empty for all of the Job's.
        container: only the container of this name; empty for each pod's default.
        all_containers: every container.
        prefix: begin each line with the pod and the container.
    """

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since_seconds: int | None = None
    since_time: str = ""
    pod: str = ""
    container: str = ""
    all_containers: bool = False
    prefix: bool = True

    @property
    def is_of_one(self) -> bool:
        """Whether it is the log of one container, whose bytes are to stay as they are."""
        return bool(self.pod) and not self.all_containers and not self.prefix

    def containers_of(self, pod: Pod) -> Sequence[str]:
        """Return the names of a pod's containers that are asked for.

        Raises:
            BadRequest: it has no container of the name that is asked for.
        """
        names = [each.name for each in pod.containers]
        if self.all_containers:
            return names
        if not self.container:
            return [pod.default_container]
        if self.container not in names:
            raise BadRequest(
                f"container {shown(self.container)} is none of pod {pod.name}'s, which has {', '.join(names)}"
            )
        return [self.container]

    def parameters(self, container: str) -> dict[str, str]:
        """Return what asks the apiserver for one container's log, without `follow`."""
        asked: dict[str, str | int | None] = {
            "container": container,
            "previous": "true" if self.previous else None,
            "timestamps": "true" if self.timestamps else None,
            "tailLines": self.tail_lines,
            "limitBytes": self.limit_bytes,
            "sinceSeconds": self.since_seconds,
            "sinceTime": self.since_time or None,
        }
        return {name: str(value) for name, value in asked.items() if value is not None}
