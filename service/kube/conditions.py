"""What state a Job is in: https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.kube.jobs import Condition, Job

Verdict: TypeAlias = Literal["met", "excluded", "open"]

# SuccessCriteriaMet and FailureTarget come before these, while pods are still ending.
_TERMINAL = ("Complete", "Failed")
# What nobody but the Job controller sets, which leaves a finished Job as it is.
_OF_CONTROLLER = frozenset(("complete", "failed", "suspended", "successcriteriamet", "failuretarget"))
_CONDITION = r"condition=([^=\s]{1,316})(=([^=\s]{1,64}))?"
_NAMED = {"complete": "Complete", "failed": "Failed", "suspended": "Suspended"}
# What `for=` may say, as a pattern.
GOAL = f"finished|delete|{'|'.join(_NAMED)}|{_CONDITION}"


@dataclass(frozen=True, slots=True)
class Goal:
    """What is waited for.

    Attributes:
        text: as it was asked for, such as finished or condition=Suspended.
        kind: that the Job is finished, that it is gone, or that it has a condition.
        type: the condition's type, in any case.
        status: the condition's status, in any case.
    """

    text: str
    kind: Literal["finished", "delete", "condition"]
    type: str = ""
    status: str = "True"

    def verdict(self, job: Job) -> Verdict:
        """Tell whether a Job that is there is as wanted, cannot come to be so, or may still."""
        if self.kind == "delete":
            return "open"
        end = terminal_condition(job)
        if self.kind == "finished":
            return "met" if end else "open"
        if any(self._is_met_by(condition) for condition in job.conditions):
            return "met"
        return "excluded" if end and self.type.lower() in _OF_CONTROLLER else "open"

    def _is_met_by(self, condition: Condition) -> bool:
        same_type = condition.type.lower() == self.type.lower()
        return same_type and condition.status.lower() == self.status.lower()


def parse_goal(text: str) -> Goal:
    """Return what `for=` asks for.

    Raises:
        ValueError: the text does not match `GOAL`.
    """
    match text:
        case "finished" | "delete":
            return Goal(text, text)
    if text in _NAMED:
        return Goal(text, "condition", _NAMED[text])
    if match := re.fullmatch(_CONDITION, text, re.ASCII):
        return Goal(text, "condition", match[1], match[3] or "True")
    raise ValueError("the text names nothing that can be waited for")


def terminal_condition(job: Job) -> Condition | None:
    """Return the condition that says that a Job is finished, and how; None while it is not."""
    return next((each for each in job.conditions if each.type in _TERMINAL and each.status == "True"), None)


def summary(job: Job) -> str:
    """Say in a few words how a Job is."""
    holding = [each for each in job.conditions if each.status == "True"]
    if not holding:
        return f"it has no condition that is True; {job.succeeded} of its pods have succeeded"
    told = ", ".join(f"{each.type} ({each.reason})" if each.reason else each.type for each in holding)
    return f"it is {told}"
