"""The options of writes: CreateOptions from the query, DeleteOptions from the body or else from the query."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from multidict import MultiDict, MultiMapping

from service.errors import BadRequest
from service.manifests import read_strictly
from service.sandbox.admission.admit import FieldValidation
from service.sandbox.controllers.deletion import DeleteOptions
from service.sandbox.errors import raise_if_invalid, unknown_here, unsupported_media_type
from service.sandbox.field_errors import FieldErrors
from service.sandbox.http import parameters

_FIELD_VALIDATIONS = ("", "Ignore", "Strict", "Warn")
_PROPAGATION_POLICIES = ("Foreground", "Background", "Orphan", "nil")
_MOST_MANAGER_BYTES = 128
_READ = ("application/json", "application/yaml")
_PROTOBUF = "application/vnd.kubernetes.protobuf"
# The fields of metav1.DeleteOptions, with how Go calls their types.
_DELETE_FIELDS: Mapping[str, tuple[type, str]] = MappingProxyType(
    {
        "kind": (str, "string"),
        "apiVersion": (str, "string"),
        "gracePeriodSeconds": (int, "int64"),
        "preconditions": (dict, "v1.Preconditions"),
        "orphanDependents": (bool, "bool"),
        "propagationPolicy": (str, "v1.DeletionPropagation"),
        "dryRun": (list, "[]string"),
    }
)
_GO_NAMES: Mapping[type, str] = MappingProxyType(
    {str: "string", int: "number", float: "number", bool: "bool", dict: "object", list: "array"}
)


def check_media_type(content_type: str) -> None:
    """Refuse a body in a form that is not read; one without a Content-Type is taken for JSON.

    Raises:
        ApiError: 415, or 501 for protobuf.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == _PROTOBUF:
        raise unknown_here("how to read protobuf")
    if media_type and media_type not in _READ:
        raise unsupported_media_type()


def read_create_options(query: MultiMapping[str]) -> tuple[bool, FieldValidation]:
    """Return whether a POST is a dry run, and what becomes of fields that are unknown.

    Raises:
        ApiError: 422: an option has a value that it cannot have.
    """
    errors, manager = FieldErrors(), query.get("fieldManager", "")
    if len(manager.encode()) > _MOST_MANAGER_BYTES:
        errors.too_long("fieldManager", _MOST_MANAGER_BYTES)
    for position, character in enumerate(manager):
        if not character.isprintable():
            told = f"invalid character U+{ord(character):04X} (at position {position})"
            errors.invalid("fieldManager", manager, told)
    dry_run = query.getall("dryRun", [])
    _check_dry_run(errors, dry_run)
    validation = query.get("fieldValidation", "")
    if validation not in _FIELD_VALIDATIONS:
        errors.not_supported("fieldValidation", validation, _FIELD_VALIDATIONS)
    raise_if_invalid("CreateOptions", errors)
    return bool(dry_run), cast("FieldValidation", validation or "Warn")


def field_manager(query: MultiMapping[str], user_agent: str) -> str:
    """Return who owns the fields of what is created: what is given, else the beginning of the User-Agent."""
    given = query.get("fieldManager", "")
    if given:
        return given
    program = "".join(character for character in user_agent.partition("/")[0] if character.isprintable())
    return program[:_MOST_MANAGER_BYTES] or "unknown"


def read_delete_options(query: MultiMapping[str], body: bytes, content_type: str) -> DeleteOptions:
    """Return the options of a DELETE; where there is a body the query is ignored, as by the apiserver.

    Raises:
        BadRequest: the body is no DeleteOptions, or a number cannot be read.
        ApiError: 415: the body is in a form that is not read; 422: options exclude each other, or do not exist.
    """
    if body:
        check_media_type(content_type)
        options = _from_body(body)
    else:
        options = _from_query(query)
    dry_run = options.get("dryRun") or []
    _check(options, dry_run)
    preconditions = options.get("preconditions") or {}
    return DeleteOptions(
        options.get("propagationPolicy"),
        options.get("orphanDependents"),
        options.get("gracePeriodSeconds"),
        preconditions.get("uid"),
        preconditions.get("resourceVersion"),
        bool(dry_run),
    )


def _from_query(query: MultiMapping[str]) -> dict[str, Any]:
    return {
        "gracePeriodSeconds": parameters.int64(query, "gracePeriodSeconds"),
        "orphanDependents": parameters.boolean(query, "orphanDependents"),
        "propagationPolicy": query.get("propagationPolicy"),
        "dryRun": MultiDict(query).getall("dryRun", []),
    }


def _from_body(body: bytes) -> dict[str, Any]:
    try:
        content = read_strictly(body)
    except BadRequest as error:
        raise BadRequest(f"couldn't get version/kind; json parse error: {error.message}") from None
    if not isinstance(content, dict):
        raise BadRequest("couldn't get version/kind; json parse error: json: the body is no object")
    for name, (type_, go_type) in _DELETE_FIELDS.items():
        value = content.get(name)
        # A Python bool is an int, a JSON one is not.
        if value is not None and type(value) is not type_:
            told = f"json: cannot unmarshal {_GO_NAMES[type(value)]} into Go struct field DeleteOptions.{name}"
            raise BadRequest(f"{told} of type {go_type}")
    if content.get("kind") not in (None, "", "DeleteOptions"):
        version = content.get("apiVersion") or "meta.k8s.io/v1"
        scheme = 'in scheme "pkg/runtime/scheme.go:111"'
        raise BadRequest(f'no kind "{content["kind"]}" is registered for version "{version}" {scheme}')
    return content


def _check(options: Mapping[str, Any], dry_run: list[Any]) -> None:
    errors, policy = FieldErrors(), options.get("propagationPolicy")
    if policy is not None and options.get("orphanDependents") is not None:
        told = "orphanDependents and deletionPropagation cannot be both set"
        errors.invalid("propagationPolicy", policy, told)
    if policy is not None and policy not in _PROPAGATION_POLICIES[:-1]:
        errors.not_supported("propagationPolicy", policy, _PROPAGATION_POLICIES)
    _check_dry_run(errors, dry_run)
    raise_if_invalid("DeleteOptions", errors)


def _check_dry_run(errors: FieldErrors, dry_run: list[Any]) -> None:
    if any(each != "All" for each in dry_run):
        errors.not_supported("dryRun", cast("str", dry_run), ("All",))  # told as the list that it is
