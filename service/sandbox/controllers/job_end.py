"""Why a Job comes to its end, other than by its completions, which come last."""

from datetime import datetime, timedelta

from service.sandbox.clock import parsed
from service.sandbox.controllers import job_policies, job_status
from service.sandbox.controllers.job_status import Condition
from service.sandbox.controllers.job_view import JobView


def end(view: JobView, now: datetime) -> Condition | None:
    """Return the condition that ends the Job, or None while it goes on.

    It is FailureTarget or SuccessCriteriaMet at first, also where several reasons meet: the order is the real
    controller's. Of a Job that has its FailureTarget, it is Failed.
    """
    found = job_status.find(view.job, "SuccessCriteriaMet")
    if found is not None:
        return found
    target = job_status.find(view.job, "FailureTarget")
    if target is not None:
        return job_status.condition("Failed", target["reason"], target["message"], now)
    failure = _policy_failure(view) or _failure(view, now) or _index_failure(view)
    if failure is not None:
        return job_status.condition("FailureTarget", *failure, now)
    message = job_policies.met(view.job, view.succeeded)
    return None if message is None else job_status.condition("SuccessCriteriaMet", "SuccessPolicy", message, now)


def deadline(view: JobView) -> datetime | None:
    """Return when the Job is over its activeDeadlineSeconds; None where it has none, or does not run."""
    seconds = view.spec.get("activeDeadlineSeconds")
    if seconds is None or view.is_suspended:
        return None
    return parsed(view.status["startTime"]) + timedelta(seconds=min(seconds, _LONGEST_SECONDS))


# The longest that Kubernetes takes is 68 years; this only keeps a date a date.
_LONGEST_SECONDS = 2**31


def _policy_failure(view: JobView) -> tuple[str, str] | None:
    failed = (pod for pod in view.pods if view.is_failed(pod))
    message = next((found for pod in failed if (found := job_policies.judge(view.job, pod).message)), None)
    return None if message is None else ("PodFailurePolicy", message)


def _failure(view: JobView, now: datetime) -> tuple[str, str] | None:
    limit = view.spec["backoffLimit"]
    restarts = view.restarts() if view.spec["template"]["spec"]["restartPolicy"] == "OnFailure" else 0
    if view.failed_count > limit or (restarts > 0 and restarts >= limit):
        return job_status.BACKOFF_LIMIT
    over = deadline(view)
    return job_status.DEADLINE if over is not None and now >= over else None


def _index_failure(view: JobView) -> tuple[str, str] | None:
    most = view.spec.get("maxFailedIndexes")
    if most is not None and len(view.failed) > most:
        return job_status.MAX_FAILED_INDEXES
    if view.failed and len(view.failed | view.succeeded) >= view.spec["completions"]:
        return job_status.FAILED_INDEXES
    return None
