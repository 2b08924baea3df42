"""The rules for security contexts.

https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go. Whether a
container may be privileged is a setting of a cluster (`--allow-privileged`): here it may, as in most clusters.
"""

from collections.abc import Sequence

from service.sandbox.admission import formats
from service.sandbox.field_errors import FieldErrors
from service.sandbox.store import Object

_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_PROC_MOUNTS = ("Default", "Unmasked")
_CHANGE_POLICIES = ("Always", "OnRootMismatch")
_GROUPS_POLICIES = ("Merge", "Strict")
_LAST_ID = 2**31 - 1


def check_pod_security(context: Object, field: str, errors: FieldErrors) -> None:
    """Add the errors of a pod's security context."""
    _check_ids(context, ("fsGroup", "runAsUser", "runAsGroup"), field, errors)
    for index, group in enumerate(context.get("supplementalGroups", ())):
        _check_id(group, f"{field}.supplementalGroups[{index}]", errors)
    _check_one_of(context, "fsGroupChangePolicy", _CHANGE_POLICIES, field, errors)
    _check_profile(context.get("seccompProfile"), f"{field}.seccompProfile", errors)
    _check_one_of(context.get("appArmorProfile", {}), "type", _PROFILES, f"{field}.appArmorProfile", errors)
    _check_one_of(context, "supplementalGroupsPolicy", _GROUPS_POLICIES, field, errors)


def check_container_security(context: Object, field: str, errors: FieldErrors) -> None:
    """Add the errors of a container's security context."""
    _check_ids(context, ("runAsUser", "runAsGroup"), field, errors)
    _check_one_of(context, "procMount", _PROC_MOUNTS, field, errors)
    _check_profile(context.get("seccompProfile"), f"{field}.seccompProfile", errors)
    _check_one_of(context.get("appArmorProfile", {}), "type", _PROFILES, f"{field}.appArmorProfile", errors)


def _check_ids(context: Object, names: Sequence[str], field: str, errors: FieldErrors) -> None:
    for name in names:
        _check_id(context.get(name, 0), f"{field}.{name}", errors)


def _check_id(number: int, field: str, errors: FieldErrors) -> None:
    if not 0 <= number <= _LAST_ID:
        errors.invalid(field, number, formats.between(0, _LAST_ID))


def _check_one_of(context: Object, name: str, supported: Sequence[str], field: str, errors: FieldErrors) -> None:
    if context.get(name, supported[0]) not in supported:
        errors.not_supported(f"{field}.{name}", context[name], supported)


def _check_profile(profile: Object | None, field: str, errors: FieldErrors) -> None:
    if profile is None:
        return
    kind, path = profile["type"], profile.get("localhostProfile")
    errors.one_of(f"{field}.type", kind, _PROFILES)
    if kind == "Localhost" and path is None:
        errors.required(f"{field}.localhostProfile", "must be set when seccomp type is Localhost")
    elif kind != "Localhost" and path is not None:
        # The message shows the profile with the names that its fields have inside the apiserver.
        inside = {"Type": kind, "LocalhostProfile": path}
        errors.invalid(f"{field}.localhostProfile", inside, "can only be set when seccomp type is Localhost")
