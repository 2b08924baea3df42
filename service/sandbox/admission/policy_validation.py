"""The rules for a Job's podFailurePolicy and successPolicy.

https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/batch/validation/validation.go
"""

import re
from itertools import pairwise

from service.sandbox.admission import formats
from service.sandbox.field_errors import FieldErrors
from service.sandbox.store import Object

_MOST_RULES = 20
_MOST_PATTERNS = 20
_MOST_EXIT_CODES = 255
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")


def check_pod_failure_policy(spec: Object, errors: FieldErrors) -> None:
    """Add the errors of a spec's podFailurePolicy."""
    rules, field = spec["podFailurePolicy"]["rules"] or (), "spec.podFailurePolicy.rules"
    if len(rules) > _MOST_RULES:
        errors.too_many(field, len(rules), _MOST_RULES)
    for index, rule in enumerate(rules):
        _check_rule(spec, rule, f"{field}[{index}]", errors)


def _check_rule(spec: Object, rule: Object, field: str, errors: FieldErrors) -> None:
    action, codes, conditions = rule["action"], rule.get("onExitCodes"), rule.get("onPodConditions")
    if action == "FailIndex" and "backoffLimitPerIndex" not in spec:
        errors.invalid(f"{field}.action", action, "requires the backoffLimitPerIndex to be set")
    _check_one_of(action, f"{field}.action", _ACTIONS, errors)
    if codes is not None:
        _check_exit_codes(spec, codes, f"{field}.onExitCodes", errors)
    if conditions:
        _check_pod_conditions(conditions, f"{field}.onPodConditions", errors)
    if codes is not None and conditions:
        errors.invalid_whole(field, "specifying both OnExitCodes and OnPodConditions is not supported")
    if codes is None and not conditions:
        errors.invalid_whole(field, "specifying one of OnExitCodes and OnPodConditions is required")


def _check_one_of(value: str, field: str, supported: tuple[str, ...], errors: FieldErrors) -> None:
    if not value:
        told = " ".join(f'"{each}"' for each in supported)
        errors.required(field, f"valid values: [{told}]")
    elif value not in supported:
        errors.not_supported(field, value, supported)


def _check_exit_codes(spec: Object, codes: Object, field: str, errors: FieldErrors) -> None:
    _check_one_of(codes["operator"], f"{field}.operator", _OPERATORS, errors)
    pod = spec["template"]["spec"]
    names = {container["name"] for kind in ("containers", "initContainers") for container in pod.get(kind) or ()}
    if codes.get("containerName", "") not in names and "containerName" in codes:
        told = "must be one of the container or initContainer names in the pod template"
        errors.invalid(f"{field}.containerName", codes["containerName"], told)
    values = codes["values"]
    if not values:
        errors.invalid(f"{field}.values", values, "at least one value is required")
    elif len(values) > _MOST_EXIT_CODES:
        errors.too_many(f"{field}.values", len(values), _MOST_EXIT_CODES)
    for index, value in enumerate(values or ()):
        if codes["operator"] == "In" and value == 0:
            errors.invalid(f"{field}.values[{index}]", value, "must not be 0 for the In operator")
        if value in values[:index]:
            errors.duplicate(f"{field}.values[{index}]", value)
    if any(before > after for before, after in pairwise(values or ())):
        errors.invalid(f"{field}.values", values, "must be ordered")


def _check_pod_conditions(patterns: list[Object], field: str, errors: FieldErrors) -> None:
    if len(patterns) > _MOST_PATTERNS:
        errors.too_many(field, len(patterns), _MOST_PATTERNS)
    for index, pattern in enumerate(patterns):
        kind = pattern["type"]
        errors.invalid_each(f"{field}[{index}].type", kind, formats.qualified_name(kind))
        _check_one_of(pattern["status"], f"{field}[{index}].status", _STATUSES, errors)


def check_success_policy(spec: Object, errors: FieldErrors) -> None:
    """Add the errors of a spec's successPolicy."""
    rules, field = spec["successPolicy"]["rules"] or (), "spec.successPolicy.rules"
    if spec["completionMode"] != "Indexed":
        errors.invalid("spec.successPolicy", _as_in_go(spec["successPolicy"]), "requires indexed completion mode")
        return
    if not rules:
        errors.required(field, "at least one rules must be specified when the successPolicy is specified")
    if len(rules) > _MOST_RULES:
        errors.too_many(field, len(rules), _MOST_RULES)
    for index, rule in enumerate(rules):
        _check_success_rule(spec, rule, f"{field}[{index}]", errors)


def _check_success_rule(spec: Object, rule: Object, field: str, errors: FieldErrors) -> None:
    if not rule:
        errors.required(field, "at least one of succeededCount or succeededIndexes must be specified")
    count, indexes, completions = (
        rule.get("succeededCount"),
        rule.get("succeededIndexes"),
        spec.get("completions", 0),
    )
    most = 0
    if indexes is not None:
        try:
            most = _count_indexes(indexes, completions)
        except ValueError as error:
            errors.invalid(f"{field}.succeededIndexes", indexes, f"error parsing succeededIndexes: {error}")
    if count is None:
        return
    errors.not_negative(f"{field}.succeededCount", count)
    if count > completions:
        told = f"must be less than or equal to {completions} (the number of specified completions)"
        errors.invalid(f"{field}.succeededCount", count, told)
    if indexes is not None and count > most:
        told = (
            f"must be less than or equal to {most} (the number of indexes in the specified succeededIndexes field)"
        )
        errors.invalid(f"{field}.succeededCount", count, told)


def _count_indexes(text: str, completions: int) -> int:
    """Return how many indexes a text such as 0,2-4 names.

    Raises:
        ValueError: it is not such a text, or names an index that there is not.
    """
    count, last = 0, -1
    for interval in text.split(",") if text else ():
        limits = interval.split("-")
        if len(limits) > 2:
            told = "violates the requirement that an index interval can have at most two parts separated by '-'"
            raise ValueError(f'the fragment "{interval}" {told}')
        for limit in limits:
            index = _index(limit, completions)
            if index <= last:
                raise ValueError(f"non-increasing order, previous: {last}, current: {index}")
            count += index - last if limit is not limits[0] else 1
            last = index
    return count


def _index(text: str, completions: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ValueError(f'cannot convert string to integer for index: "{text}"')
    if int(text) >= completions:
        raise ValueError(f'too large index: "{text}"')
    return int(text)


def _as_in_go(policy: Object) -> Object:
    """Return a successPolicy with the names that its fields have inside the apiserver, which its message shows."""
    rules = policy["rules"]
    return {
        "Rules": rules
        and [
            {"SucceededIndexes": rule.get("succeededIndexes"), "SucceededCount": rule.get("succeededCount")}
            for rule in rules
        ]
    }
