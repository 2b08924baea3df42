"""One look at a Job: what the Job controller does about it, and the status that it writes.

The order of the steps is that of the real controller, so that a watch shows the same statuses:
https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/job/job_controller.go (syncJob)
"""

from datetime import datetime, timedelta

from service.sandbox import clock
from service.sandbox.controllers import indexes, job_end, job_policies, job_status, pods
from service.sandbox.controllers.deletion import delete_object
from service.sandbox.controllers.job_status import Condition
from service.sandbox.controllers.job_view import Backoff, JobView, failures
from service.sandbox.controllers.pod_template import new_pod
from service.sandbox.events import EventRecorder, EventType, Source
from service.sandbox.store import AlreadyExistsError, FullError, Object, Store

# The real controller waits for 10 s after the first failure, twice as long after each further one, and never
# longer than 10 min. Here it is a hundredth of that, as nobody tries out a sandbox to see it wait.
BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 6.0
FULL_SECONDS = 1.0

_SOURCE = Source("job-controller")


class JobSync:
    """One look at a Job that has not finished.

    Attributes:
        wake: when the Job has to be looked at again though nothing changed; None for never.
    """

    def __init__(self, store: Store, events: EventRecorder, now: datetime, job: Object, backoff: Backoff) -> None:
        self.wake: datetime | None = None
        self._store = store
        self._events = events
        self._now = now
        self._backoff = backoff
        self._view = JobView(store, job)
        self._job = self._view.job
        self._status = self._view.status
        self._active = len(self._view.active)
        self._ready = sum(map(pods.is_ready, self._view.active))
        self._terminating = sum(map(pods.is_terminating, self._view.pods))

    def run(self) -> None:
        """Do what is to be done."""
        before = self._counters()
        self._status.setdefault("uncountedTerminatedPods", {})
        if "startTime" not in self._status and not self._view.is_suspended:
            self._status["startTime"] = clock.timestamp(self._now)
        self._note_failures()
        deadline = job_end.deadline(self._view)
        if deadline is not None and deadline > self._now:
            self._wake_at(deadline)
        end = job_end.end(self._view, self._now)
        if end is not None:
            for pod in self._view.active:
                self._delete(pod)
        else:
            end = self._go_on()
        suspended = self._suspend() if end is None else False
        self._status |= {"active": self._active, "ready": self._ready, "terminating": self._terminating}
        self._track(end, must_write=suspended or self._counters() != before)

    def _counters(self) -> tuple[object, ...]:
        # Of these only `active` is left out of a status where it is zero.
        return self._status.get("active", 0), self._status.get("ready"), self._status.get("terminating")

    def _note_failures(self) -> None:
        """Remember when pods failed, for the backoff."""
        view, backoff = self._view, self._backoff
        uids = [pod["metadata"]["uid"] for pod in view.new_failed]
        backoff.seen = {uid: backoff.seen.get(uid, self._now) for uid in uids}
        failed = view.new_failed
        if view.new_succeeded:
            success = max(map(pods.finished_at, view.new_succeeded))
            failed = [pod for pod in failed if pods.finished_at(pod) > success]
            backoff.failures, backoff.last_failure = 0, None
        if failed:
            backoff.failures += len(failed)
            backoff.last_failure = max(backoff.seen[pod["metadata"]["uid"]] for pod in failed)

    def _go_on(self) -> Condition | None:
        """Create or delete pods, and return the condition of success if there is nothing left to run."""
        view, completions = self._view, self._view.spec.get("completions")
        if "deletionTimestamp" not in self._job["metadata"]:
            self._manage()
        enough = view.succeeded_count > 0 if completions is None else view.succeeded_count >= completions
        if enough and self._active == 0:
            return job_status.condition("SuccessCriteriaMet", *job_status.COMPLETIONS, self._now)
        return None

    def _suspend(self) -> bool:
        """Say that the Job is suspended, where it is and does not say so yet, and return whether that is news."""
        if not self._view.is_suspended or job_status.find(self._job, "Suspended"):
            return False
        said = job_status.condition("Suspended", *job_status.SUSPENDED, self._now)
        self._status.setdefault("conditions", []).append(said)
        self._tell("Normal", "Suspended", "Job suspended")
        return True

    def _manage(self) -> None:
        """Bring the number of active pods to what the Job wants."""
        view = self._view
        surplus = self._active - self._wanted()
        if surplus > 0:
            for pod in sorted(view.active, key=_activity)[:surplus]:
                pods.remove_finalizer(self._store, pods.key_of(pod))
                self._delete(pod)
            return
        missing = -surplus - (self._terminating if view.replaces_failed_only else 0)
        if missing <= 0:
            return
        if not view.is_limited_per_index and self._waits(self._backoff.failures, self._backoff.last_failure):
            return
        replaced = view.awaiting_replacement()
        for index in self._indexes_to_create(missing, replaced):
            if not self._create(index, view.failure_annotations(None if index is None else replaced.get(index))):
                self._wake_at(self._now + timedelta(seconds=FULL_SECONDS))
                return

    def _wanted(self) -> int:
        """Return how many pods should be active."""
        view, parallelism, completions = (
            self._view,
            self._view.spec["parallelism"],
            self._view.spec.get("completions"),
        )
        if view.is_suspended:
            return 0
        if completions is None:
            return self._active if view.succeeded_count else parallelism
        wanted: int = max(0, min(parallelism, completions - view.succeeded_count))
        return wanted

    def _indexes_to_create(self, count: int, replaced: dict[int, Object]) -> list[int] | list[None]:
        view = self._view
        if not view.is_indexed:
            return [None] * count
        found = indexes.first_free(count, view.spec["completions"], view.taken_indexes())
        return [index for index in found if index not in replaced or not self._index_waits(replaced[index])]

    def _index_waits(self, failed: Object) -> bool:
        return self._waits(sum(failures(failed)) + 1, self._backoff.seen[failed["metadata"]["uid"]])

    def _waits(self, failed: int, since: datetime | None) -> bool:
        """Return whether the backoff of so many failures is not over, and see to it that its end is not missed."""
        if not failed or since is None:
            return False
        seconds = min(BACKOFF_SECONDS * 2 ** min(failed - 1, 20), LONGEST_BACKOFF_SECONDS)
        over = since + timedelta(seconds=seconds)
        if over > self._now:
            self._wake_at(over)
        return over > self._now

    def _wake_at(self, when: datetime) -> None:
        self.wake = when if self.wake is None else min(self.wake, when)

    def _create(self, index: int | None, annotations: dict[str, str]) -> bool:
        pod = new_pod(self._job, index, annotations, self._now)
        try:
            self._store.create("pods", pod)
        except (FullError, AlreadyExistsError) as error:
            why = "the sandbox is full" if isinstance(error, FullError) else "its random name is taken"
            self._tell("Warning", "FailedCreate", f"Error creating: {why}")
            return False
        self._active += 1
        self._tell("Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
        return True

    def _delete(self, pod: Object) -> None:
        delete_object(self._store, pods.key_of(pod))
        self._active -= 1
        self._terminating += 1
        self._ready -= pods.is_ready(pod)
        self._tell("Normal", "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")

    def _track(self, end: Condition | None, *, must_write: bool) -> None:
        """Count the pods that ended, and finish the Job if that was all it waited for.

        First their uids are written down as uncounted, then their finalizers are removed, then they are counted.
        """
        done = self._countable(end)
        uncounted = self._uncounted(done, end)
        must_write = self._write_indexes() or bool(any(uncounted.values())) or must_write
        if end is not None and end["type"] in {"FailureTarget", "SuccessCriteriaMet"}:
            if not job_status.find(self._job, end["type"]):
                self._status.setdefault("conditions", []).append(end)
                must_write = True
            last = "Failed" if end["type"] == "FailureTarget" else "Complete"
            end = job_status.condition(last, end["reason"], end["message"], self._now)
        if must_write:
            self._status["uncountedTerminatedPods"] = {name: uids for name, uids in uncounted.items() if uids}
            self._write()
        for pod in done:
            pods.remove_finalizer(self._store, pods.key_of(pod))
        for name, uids in uncounted.items():
            self._status[name] = self._status.get(name, 0) + len(uids)
        self._status["uncountedTerminatedPods"] = {}
        if end is not None and self._terminating == 0:
            self._finish(end)
        elif any(uncounted.values()):
            self._write()

    def _countable(self, end: Condition | None) -> list[Object]:
        """Return the pods whose finalizer has done its duty."""
        view = self._view
        kept = {pod["metadata"]["uid"] for pod in view.awaiting_replacement().values()}
        over = end is not None or "deletionTimestamp" in self._job["metadata"]
        return [
            pod
            for pod in view.pods
            if pods.is_tracked(pod)
            and (
                over
                or pods.phase(pod) == "Succeeded"
                or (view.is_failed(pod) and pod["metadata"]["uid"] not in kept)
            )
        ]

    def _uncounted(self, done: list[Object], end: Condition | None) -> dict[str, list[str]]:
        """Return the uids of the pods to count; successes of an Indexed Job are counted by their indexes."""
        view = self._view
        failing = end is not None and end["type"] != "SuccessCriteriaMet"
        succeeded = [] if view.is_indexed else [pod for pod in done if pods.phase(pod) == "Succeeded"]
        failed = [
            pod
            for pod in done
            if pods.phase(pod) != "Succeeded"
            and (failing or view.is_failed(pod))
            and job_policies.judge(self._job, pod).is_counted
        ]
        return {
            "succeeded": [pod["metadata"]["uid"] for pod in succeeded],
            "failed": [pod["metadata"]["uid"] for pod in failed],
        }

    def _write_indexes(self) -> bool:
        """Bring an Indexed Job's indexes up to date, and return whether that changes them."""
        view = self._view
        if not view.is_indexed:
            return False
        new: Object = {"completedIndexes": indexes.text(view.succeeded), "succeeded": len(view.succeeded)}
        if view.is_limited_per_index:
            new["failedIndexes"] = indexes.text(view.failed)
        changed = any(new.get(name) != self._status.get(name) for name in ("completedIndexes", "failedIndexes"))
        self._status |= new
        return changed

    def _finish(self, end: Condition) -> None:
        self._status.setdefault("conditions", []).append(end)
        if end["type"] == "Complete":
            self._status["completionTime"] = end["lastTransitionTime"]
        self._write()
        if end["type"] == "Failed":
            self._tell("Warning", end["reason"], end["message"])
            return
        completions = self._view.spec.get("completions")
        if completions is not None and self._status.get("succeeded", 0) > completions:
            message = "Too many succeeded pods running after completion count reached"
            self._tell("Warning", "TooManySucceededPods", message)
        self._tell("Normal", "Completed", "Job completed")

    def _write(self) -> None:
        self._job["status"] = job_status.complete(self._status)
        job_status.claim(self._job, self._now)
        self._store.update("jobs", self._job)

    def _tell(self, type_: EventType, reason: str, message: str) -> None:
        self._events.record(self._job, type_, reason, message, _SOURCE)


def _activity(pod: Object) -> tuple[bool, bool, bool, bool]:
    """Return how far a pod has come; those that have not come far are deleted first."""
    status = pod["status"]
    return (
        bool(pod["spec"].get("nodeName")),
        status["phase"] == "Running",
        pods.is_ready(pod),
        bool(status.get("podIP")),
    )
