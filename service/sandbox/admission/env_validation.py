"""The rules for a container's environment.

https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go
"""

from service.sandbox.admission import formats
from service.sandbox.field_errors import FieldErrors
from service.sandbox.store import Object

_ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_ENV_RESOURCES = tuple(
    f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "ephemeral-storage", "memory")
)
_HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")


def check_environment(container: Object, field: str, errors: FieldErrors) -> None:
    """Add the errors of a container's env and envFrom."""
    for index, variable in enumerate(container.get("env", ())):
        _check_env(variable, f"{field}.env[{index}]", errors)
    for index, source in enumerate(container.get("envFrom", ())):
        _check_env_from(source, f"{field}.envFrom", index, errors)


def _check_env(variable: Object, field: str, errors: FieldErrors) -> None:
    if variable["name"]:
        errors.invalid_each(f"{field}.name", variable["name"], formats.env_var_name(variable["name"]))
    else:
        errors.required(f"{field}.name")
    source = variable.get("valueFrom")
    if source is None:
        return
    _check_env_source(source, f"{field}.valueFrom", errors)
    if source and variable.get("value"):
        errors.invalid(f"{field}.valueFrom", "", "may not be specified when `value` is not empty")
    elif len(source) > 1:
        errors.invalid(f"{field}.valueFrom", "", "may not have more than one field specified at a time")


def _check_env_source(source: Object, field: str, errors: FieldErrors) -> None:
    if "fieldRef" in source:
        _check_field_ref(source["fieldRef"], f"{field}.fieldRef", errors)
    if "resourceFieldRef" in source:
        _check_resource_field_ref(source["resourceFieldRef"], f"{field}.resourceFieldRef", errors)
    for name in ("configMapKeyRef", "secretKeyRef"):
        if name in source:
            _check_key_ref(source[name], f"{field}.{name}", errors)
    if not source:
        known = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        errors.invalid(field, "", f"must specify one of: {known}")


def _check_field_ref(source: Object, field: str, errors: FieldErrors) -> None:
    path = source["fieldPath"]
    name, bracket, key = path.removesuffix("']").partition("['")
    if not path:
        errors.required(f"{field}.fieldPath")
    elif bracket and name in ("metadata.annotations", "metadata.labels"):
        key = key.lower() if name == "metadata.annotations" else key
        errors.invalid_each(field, key, formats.qualified_name(key))
    elif path not in (*_ENV_FIELDS, "metadata.annotations", "metadata.labels"):
        told = f"error converting fieldPath: field label not supported: {path}"
        errors.invalid(f"{field}.fieldPath", path, told)
    elif path not in _ENV_FIELDS:
        errors.not_supported(f"{field}.fieldPath", path, _ENV_FIELDS)


def _check_resource_field_ref(source: Object, field: str, errors: FieldErrors) -> None:
    name = source["resource"]
    if not name:
        errors.required(f"{field}.resource")
    elif name not in _ENV_RESOURCES and not name.startswith(_HUGE_PAGES):
        errors.not_supported(f"{field}.resource", name, _ENV_RESOURCES)


def _check_key_ref(source: Object, field: str, errors: FieldErrors) -> None:
    name, key = source.get("name", ""), source["key"]
    errors.invalid_each(f"{field}.name", name, formats.dns_subdomain(name))
    if key:
        errors.invalid_each(f"{field}.key", key, formats.config_map_key(key))
    else:
        errors.required(f"{field}.key")


def _check_env_from(source: Object, field: str, index: int, errors: FieldErrors) -> None:
    at = f"{field}[{index}]"
    if "prefix" in source:
        errors.invalid_each(f"{at}.prefix", source["prefix"], formats.env_var_name(source["prefix"]))
    given = [name for name in ("configMapRef", "secretRef") if name in source]
    for name in given:
        text = source[name].get("name", "")
        if text:
            errors.invalid_each(f"{at}.{name}.name", text, formats.generate_name(text))
        else:
            errors.required(f"{at}.{name}.name")
    if not given:
        errors.invalid(field, "", "must specify one of: `configMapRef` or `secretRef`")
    elif len(given) > 1:
        errors.invalid(field, "", "may not have more than one field specified at a time")
