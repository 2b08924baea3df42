"""The rules for a pod's volumes, as far as many have them.

https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go
"""

from collections.abc import Sequence

from service.sandbox.admission import formats
from service.sandbox.field_errors import FieldErrors
from service.sandbox.store import Object

_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_MODE = "must be a number between 0 and 0777 (octal), both inclusive"


def check_volumes(volumes: Sequence[Object], field: str, errors: FieldErrors) -> set[str]:
    """Add the errors of volumes, and return the names of those without any."""
    names: set[str] = set()
    for index, volume in enumerate(volumes):
        at, before = f"{field}[{index}]", len(errors.causes)
        _check_volume_source(volume, at, errors)
        name = volume["name"]
        if name:
            errors.invalid_each(f"{at}.name", name, formats.dns_label(name))
        else:
            errors.required(f"{at}.name")
        if name in names:
            errors.duplicate(f"{at}.name", name)
        if len(errors.causes) == before:
            names.add(name)
    return names


def _check_volume_source(volume: Object, field: str, errors: FieldErrors) -> None:
    # An emptyDir comes first in the apiserver, after it the order is that of the fields.
    sources = sorted((name for name in volume if name != "name"), key=lambda name: name != "emptyDir")
    _check_first_source(volume, sources, field, errors)
    for name in sources[1:]:
        errors.forbidden(f"{field}.{name}", "may not specify more than 1 volume type")


def _check_first_source(volume: Object, sources: Sequence[str], field: str, errors: FieldErrors) -> None:
    at, source = f"{field}.{sources[0]}", volume[sources[0]]
    match sources[0]:
        case "hostPath":
            _check_host_path(source, at, errors)
        case "secret":
            _check_files(source, "secretName", at, errors)
        case "configMap":
            _check_files(source, "name", at, errors)
        case "persistentVolumeClaim" if not source["claimName"]:
            errors.required(f"{at}.claimName")


def _check_host_path(source: Object, field: str, errors: FieldErrors) -> None:
    if not source["path"]:
        errors.required(f"{field}.path")
        return
    if ".." in source["path"].split("/"):
        errors.invalid(f"{field}.path", source["path"], "must not contain '..'")
    if source["type"] not in _HOST_PATH_TYPES:
        errors.not_supported(f"{field}.type", source["type"], _HOST_PATH_TYPES)


def _check_files(source: Object, name: str, field: str, errors: FieldErrors) -> None:
    if not source.get(name):
        errors.required(f"{field}.{name}")
    _check_mode(source, "defaultMode", field, errors)
    for index, item in enumerate(source.get("items", ())):
        at = f"{field}.items[{index}]"
        for part in ("key", "path"):
            if not item[part]:
                errors.required(f"{at}.{part}")
        _check_path(item["path"], f"{at}.path", errors)
        _check_mode(item, "mode", at, errors)


def _check_path(path: str, field: str, errors: FieldErrors) -> None:
    if path.startswith("/"):
        errors.invalid(field, path, "must be a relative path")
    if ".." in path.split("/"):
        errors.invalid(field, path, "must not contain '..'")
    if path.startswith("..") and not path.startswith("../"):
        errors.invalid(field, path, "must not start with '..'")


def _check_mode(source: Object, name: str, field: str, errors: FieldErrors) -> None:
    if not 0 <= source.get(name, 0) <= 0o777:
        errors.invalid(f"{field}.{name}", source[name], _MODE)
