"""What a Job's podFailurePolicy and successPolicy say of its pods.

https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy
https://kubernetes.io/docs/concepts/workloads/controllers/job/#success-policy
"""

from typing import Any, NamedTuple

from service.sandbox.controllers import indexes
from service.sandbox.store import Object


class Verdict(NamedTuple):
    """What is made of a failed pod.

    Attributes:
        action: the first matching rule's; None where no rule matches, which counts the failure.
        message: why the Job fails, of the action FailJob only.
    """

    action: str | None
    message: str | None = None

    @property
    def is_counted(self) -> bool:
        """Whether the failure counts towards backoffLimit."""
        return self.action != "Ignore"


def judge(job: Object, pod: Object) -> Verdict:
    """Return what the Job's podFailurePolicy makes of a failed pod."""
    rules: list[dict[str, Any]] = (job["spec"].get("podFailurePolicy") or {}).get("rules") or []
    for number, rule in enumerate(rules):
        matched = _matched(rule, pod)
        if matched is not None:
            suffix = f" matching {rule['action']} rule at index {number}"
            return Verdict(rule["action"], matched + suffix if rule["action"] == "FailJob" else None)
    return Verdict(None)


def _matched(rule: dict[str, Any], pod: Object) -> str | None:
    """Return what it is about the pod that a rule is for."""
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    if rule.get("onExitCodes"):
        found = _exited(rule["onExitCodes"], pod["status"])
        return found and f"Container {found[0]} for pod {name} failed with exit code {found[1]}"
    for condition in pod["status"].get("conditions") or ():
        for pattern in rule.get("onPodConditions") or ():
            if condition["type"] == pattern["type"] and condition["status"] == pattern.get("status", "True"):
                return f"Pod {name} has condition {condition['type']}"
    return None


def _exited(requirement: dict[str, Any], status: dict[str, Any]) -> tuple[str, int] | None:
    for each in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
        code = each["state"].get("terminated", {}).get("exitCode", 0)
        if (
            code != 0
            and requirement.get("containerName") in (None, each["name"])
            and (code in requirement["values"]) == (requirement["operator"] == "In")
        ):
            return each["name"], code
    return None


def met(job: Object, succeeded: set[int]) -> str | None:
    """Return the message of the first rule of the Job's successPolicy that is met; None when none is."""
    if not succeeded:
        return None
    completions = job["spec"]["completions"]
    for number, rule in enumerate((job["spec"].get("successPolicy") or {}).get("rules") or ()):
        count = rule.get("succeededCount")
        if rule.get("succeededIndexes") is not None:
            required = indexes.parsed(rule["succeededIndexes"], completions)
            done = len(required & succeeded)
            holds = bool(required) and (done == len(required) or (count is not None and done >= count))
        else:
            holds = count is not None and len(succeeded) >= count
        if holds:
            return f"Matched rules at index {number}"
    return None
