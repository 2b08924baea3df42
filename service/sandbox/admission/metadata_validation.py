"""The rules for metadata, labels and label selectors.

https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/api/validation/objectmeta.go and
pkg/apis/meta/v1/validation/validation.go
"""

from collections.abc import Mapping, Sequence

from service.sandbox.admission import formats
from service.sandbox.field_errors import FieldErrors
from service.sandbox.store import Object

_MOST_ANNOTATION_BYTES = 256 * 1024
_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")


def check_object_meta(metadata: Object, errors: FieldErrors) -> None:
    """Add the errors of a Job's metadata."""
    if "generateName" in metadata:
        prefix = metadata["generateName"]
        errors.invalid_each("metadata.generateName", prefix, formats.generate_name(prefix))
    if "name" in metadata:
        errors.invalid_each("metadata.name", metadata["name"], formats.dns_subdomain(metadata["name"]))
    else:
        errors.required("metadata.name", "name or generateName is required")
    check_labels(metadata.get("labels"), "metadata.labels", errors)
    check_annotations(metadata.get("annotations"), "metadata.annotations", errors)
    for owner in metadata.get("ownerReferences", ()):
        _check_owner(owner, errors)
    _check_finalizers(metadata.get("finalizers", ()), "metadata.finalizers", errors)


def _check_finalizers(finalizers: Sequence[str], field: str, errors: FieldErrors) -> None:
    for finalizer in finalizers:
        errors.invalid_each(field, finalizer, formats.qualified_name(finalizer))
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        errors.invalid(field, finalizers, "finalizer orphan and foregroundDeletion cannot be both set")
    for index, finalizer in enumerate(finalizers):
        if "/" not in finalizer and finalizer not in _FINALIZERS:
            told = "name is neither a standard finalizer name nor is it fully qualified"
            errors.invalid(f"{field}[{index}]", finalizer, told)


def _check_owner(owner: Object, errors: FieldErrors) -> None:
    field = "metadata.ownerReferences"
    for name, told in (
        ("apiVersion", "version must not be empty"),
        *((n, "must not be empty") for n in ("kind", "name", "uid")),
    ):
        if not owner[name]:
            errors.invalid(f"{field}.{name}", "", told)


def check_labels(labels: Mapping[str, str] | None, field: str, errors: FieldErrors) -> None:
    """Add the errors of labels, or of what has their form."""
    for key, value in (labels or {}).items():
        errors.invalid_each(field, key, formats.qualified_name(key))
        errors.invalid_each(field, value, formats.label_value(value))


def check_annotations(annotations: Mapping[str, str] | None, field: str, errors: FieldErrors) -> None:
    """Add the errors of annotations, of which the case of the keys does not matter."""
    for key in annotations or {}:
        errors.invalid_each(field, key, formats.qualified_name(key.lower()))
    if sum(len(text.encode()) for pair in (annotations or {}).items() for text in pair) > _MOST_ANNOTATION_BYTES:
        errors.too_long(field, _MOST_ANNOTATION_BYTES)


def check_selector(selector: Object, field: str, errors: FieldErrors) -> None:
    """Add the errors of a label selector."""
    check_labels(selector.get("matchLabels"), f"{field}.matchLabels", errors)
    for index, requirement in enumerate(selector.get("matchExpressions", ())):
        _check_requirement(requirement, f"{field}.matchExpressions[{index}]", errors)


def _check_requirement(requirement: Object, field: str, errors: FieldErrors) -> None:
    values = requirement.get("values", ())
    match requirement["operator"]:
        case "In" | "NotIn":
            if not values:
                errors.required(f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        case "Exists" | "DoesNotExist":
            if values:
                told = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                errors.forbidden(f"{field}.values", told)
        case operator:
            errors.invalid(f"{field}.operator", operator, "not a valid selector operator")
    errors.invalid_each(f"{field}.key", requirement["key"], formats.qualified_name(requirement["key"]))
    for index, value in enumerate(values):
        errors.invalid_each(f"{field}.values[{index}]", value, formats.label_value(value))


def selector_matches(selector: Object, labels: Mapping[str, str]) -> bool | None:
    """Tell whether a label selector selects labels; None if the selector is not valid."""
    errors = FieldErrors()
    check_selector(selector, "", errors)
    if errors.causes:
        return None
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        _meets(labels.get(requirement["key"]), requirement) for requirement in selector.get("matchExpressions", ())
    )


def _meets(value: str | None, requirement: Object) -> bool:
    match requirement["operator"]:
        case "In":
            return value in requirement["values"]
        case "NotIn":
            return value not in requirement["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None
