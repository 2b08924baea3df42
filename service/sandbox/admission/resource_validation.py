"""The rules for what containers request and are limited to.

https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go
"""

from service.sandbox.admission import formats
from service.sandbox.admission.quantity import Quantity
from service.sandbox.field_errors import FieldErrors
from service.sandbox.store import Object

_OF_CONTAINERS = ("cpu", "memory", "ephemeral-storage")
_STANDARD = frozenset(
    (
        *_OF_CONTAINERS,
        "storage",
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        *(f"{kind}.{name}" for kind in ("requests", "limits") for name in _OF_CONTAINERS),
    )
)
_COMPUTE = frozenset(("cpu", "memory"))


def check_resources(resources: Object, field: str, errors: FieldErrors) -> None:
    """Add the errors of a container's resources."""
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    for name, amount in limits.items():
        _check_amount(name, amount, f"{field}.limits[{name}]", errors)
    for name, amount in requests.items():
        _check_amount(name, amount, f"{field}.requests[{name}]", errors)
        _check_request(name, amount, limits, field, errors)
    huge = any(name.startswith("hugepages-") for name in (*limits, *requests))
    if huge and _COMPUTE.isdisjoint((*limits, *requests)):
        errors.forbidden(field, "HugePages require cpu or memory")


def _check_amount(name: str, amount: str, field: str, errors: FieldErrors) -> None:
    huge = name.startswith("hugepages-")
    problems = formats.qualified_name(name)
    errors.invalid_each(field, name, problems)
    if "/" not in name and not huge:
        if not problems and name not in _STANDARD:
            errors.invalid(field, name, "must be a standard resource type or fully qualified")
        if name not in _OF_CONTAINERS:
            errors.invalid(field, name, "must be a standard resource for containers")
    value = Quantity.parse(amount).value
    if value < 0:
        errors.invalid(field, amount, "must be greater than or equal to 0")
    if _is_extended(name) and value != value.to_integral_value():
        errors.invalid(field, amount, "must be an integer")


def _check_request(name: str, amount: str, limits: Object, field: str, errors: FieldErrors) -> None:
    exact = _is_extended(name) or name.startswith("hugepages-")
    if name not in limits:
        if exact:
            errors.required(f"{field}.limits", "Limit must be set for non overcommitable resources")
        return
    requested, limit = Quantity.parse(amount).value, Quantity.parse(limits[name]).value
    if exact and requested != limit:
        errors.invalid(f"{field}.requests", amount, f"must be equal to {name} limit of {limits[name]}")
    elif requested > limit:
        errors.invalid(f"{field}.requests", amount, f"must be less than or equal to {name} limit of {limits[name]}")


def _is_extended(name: str) -> bool:
    return "/" in name and "kubernetes.io/" not in name
