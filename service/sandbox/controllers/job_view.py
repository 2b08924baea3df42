"""A Job and its pods at one moment, and what is to be read from them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.sandbox.controllers import indexes, job_policies, pods
from service.sandbox.controllers.pod_template import FAILURE_COUNT, IGNORED_FAILURE_COUNT
from service.sandbox.store import Object, Store


@dataclass(slots=True)
class Backoff:
    """What is remembered between two looks at a Job, to delay the pods that replace failed ones.

    Attributes:
        failures: how many pods failed since one succeeded.
        last_failure: when the last of them was seen to have failed.
        seen: when each pod, by its uid, was seen to have failed.
    """

    failures: int = 0
    last_failure: datetime | None = None
    seen: dict[str, datetime] = field(default_factory=dict)


class JobView:
    """A Job, and its pods as they are before anything is done about them.

    Attributes:
        job: the Job; whoever looks may change its status.
        spec: the Job's spec.
        status: the Job's status.
        pods: all of them.
        active: those that neither finished nor are being deleted.
        succeeded: the indexes that succeeded, of an Indexed Job.
        failed: the indexes that failed for good, of one with a backoffLimitPerIndex.
        new_succeeded: pods that succeeded and are not in the status yet.
        new_failed: pods that failed and are not in the status yet.
    """

    def __init__(self, store: Store, job: Object) -> None:
        self.job = job
        self.spec: dict[str, Any] = job["spec"]
        self.status: dict[str, Any] = job.setdefault("status", {})
        uid = job["metadata"]["uid"]
        mine = (each.decoded() for each in store.dependents(uid) if each.key.resource == "pods")
        self.pods = [pod for pod in mine if pods.controller_uid(pod) == uid]
        if self.is_indexed:
            self.pods.sort(key=lambda pod: -1 if (index := pods.completion_index(pod)) is None else index)
        self.active = [pod for pod in self.pods if pods.is_active(pod)]
        tracked = [pod for pod in self.pods if pods.is_tracked(pod) and self._is_valid(pod)]
        self.new_succeeded = [pod for pod in tracked if pods.phase(pod) == "Succeeded"]
        self.new_failed = [pod for pod in tracked if self.is_failed(pod)]
        self.succeeded = self._read_indexes("completedIndexes", self.new_succeeded)
        self.failed = self._read_indexes(
            "failedIndexes", [pod for pod in self.new_failed if self._fails_index(pod)]
        )

    @property
    def is_indexed(self) -> bool:
        """Whether each pod has an index of its own."""
        return bool(self.spec.get("completionMode") == "Indexed")

    @property
    def is_limited_per_index(self) -> bool:
        """Whether failures are counted for each index."""
        return self.spec.get("backoffLimitPerIndex") is not None

    @property
    def is_suspended(self) -> bool:
        """Whether no pod may run."""
        return bool(self.spec.get("suspend"))

    @property
    def replaces_failed_only(self) -> bool:
        """Whether a pod that is being deleted is replaced only after it ended."""
        return self.spec.get("podReplacementPolicy") == "Failed" or bool(self.spec.get("podFailurePolicy"))

    @property
    def succeeded_count(self) -> int:
        """How many pods, or indexes, succeeded."""
        if self.is_indexed:
            return len(self.succeeded)
        return int(self.status.get("succeeded", 0)) + len(self.new_succeeded)

    @property
    def failed_count(self) -> int:
        """How many pods failed, without those that the podFailurePolicy ignores."""
        counted = sum(job_policies.judge(self.job, pod).is_counted for pod in self.new_failed)
        return int(self.status.get("failed", 0)) + counted

    def is_failed(self, pod: Object) -> bool:
        """Return whether a pod counts as failed; one that is being deleted does unless it has to end first."""
        if pods.phase(pod) == "Failed":
            return True
        return not self.replaces_failed_only and pods.is_marked(pod) and pods.phase(pod) != "Succeeded"

    def restarts(self) -> int:
        """Return how often the containers of unfinished pods were restarted."""
        running = (pod["status"] for pod in self.pods if pods.phase(pod) in {"Running", "Pending"})
        return sum(
            each["restartCount"]
            for status in running
            for each in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
        )

    def awaiting_replacement(self) -> dict[int, Object]:
        """Return, by index, the failed pods that keep their finalizer until their replacement knows of them."""
        waiting: dict[int, Object] = {}
        if not self.is_limited_per_index:
            return waiting
        settled = self.succeeded | self.failed | {pods.completion_index(pod) for pod in self.active}
        for pod in self.new_failed:
            index = pods.completion_index(pod)
            if index is None or index in settled:
                continue
            if index not in waiting or _age(waiting[index]) <= _age(pod):
                waiting[index] = pod
        return waiting

    def taken_indexes(self) -> set[int]:
        """Return the indexes that need no new pod."""
        busy = [*self.active]
        if self.replaces_failed_only:
            busy += [pod for pod in self.pods if pods.is_terminating(pod)]
        return (
            self.succeeded
            | self.failed
            | {index for pod in busy if (index := pods.completion_index(pod)) is not None}
        )

    def failure_annotations(self, replaced: Object | None) -> dict[str, str]:
        """Return what a pod says of the failures of those that it comes after."""
        if not self.is_limited_per_index:
            return {}
        counted = ignored = 0
        if replaced is not None:
            counted, ignored = failures(replaced)
            if job_policies.judge(self.job, replaced).is_counted:
                counted += 1
            else:
                ignored += 1
        return {FAILURE_COUNT: str(counted)} | ({IGNORED_FAILURE_COUNT: str(ignored)} if ignored else {})

    def _is_valid(self, pod: Object) -> bool:
        if not self.is_indexed:
            return True
        index = pods.completion_index(pod)
        return index is not None and index < self.spec["completions"]

    def _read_indexes(self, name: str, new: list[Object]) -> set[int]:
        if not self.is_indexed:
            return set()
        before = indexes.parsed(self.status.get(name) or "", self.spec["completions"])
        return before | {index for pod in new if (index := pods.completion_index(pod)) is not None}

    def _fails_index(self, pod: Object) -> bool:
        if not self.is_limited_per_index:
            return False
        verdict = job_policies.judge(self.job, pod)
        enough = failures(pod)[0] >= self.spec["backoffLimitPerIndex"]
        return verdict.action == "FailIndex" or (verdict.is_counted and enough)


def failures(pod: Object) -> tuple[int, int]:
    """Return how many pods of its index failed before a pod, and how many more were ignored."""
    annotations = pod["metadata"].get("annotations") or {}
    return int(annotations.get(FAILURE_COUNT, "0")), int(annotations.get(IGNORED_FAILURE_COUNT, "0"))


def _age(pod: Object) -> tuple[int, str]:
    return sum(failures(pod)), pods.finished_at(pod)
