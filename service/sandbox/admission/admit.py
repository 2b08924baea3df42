"""Reading, defaulting and validating the Job that a POST carries, as the apiserver does it."""

import json
import secrets
import uuid
from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.errors import ApiError, BadRequest
from service.manifests import JsonValue, Reading, read_with_repeated_keys
from service.sandbox.admission.decoding import decode
from service.sandbox.admission.defaults import set_defaults
from service.sandbox.admission.managed_fields import managed_fields_entry
from service.sandbox.admission.schema import in_order
from service.sandbox.admission.validation import CONTROLLER_UID, JOB_NAME, validate
from service.sandbox.admission.warnings import warnings_of
from service.sandbox.store import Object, now

FieldValidation: TypeAlias = Literal["Strict", "Warn", "Ignore"]

# https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/util/rand/rand.go: no vowels, so no words.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_LONGEST_NAME = 63

_EXPECTED = {"apiVersion": "batch/v1", "kind": "Job"}
_TYPE_META = r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
_SHOWN_BYTES = 30


@dataclass(frozen=True, slots=True)
class Admitted:
    """A Job that may be stored.

    Attributes:
        job: the whole object. It has a resourceVersion only if the body had one, which is an error unless
            nothing is to be stored.
        warnings: the texts of the answer's Warning headers.
    """

    job: Object
    warnings: tuple[str, ...]


def admit(body: bytes, *, namespace: str, field_validation: FieldValidation, field_manager: str) -> Admitted:
    """Return the Job that a POST would create.

    Args:
        body: JSON or YAML.
        namespace: that of the request's path.
        field_validation: what becomes of unknown fields and of keys given twice: an error, warnings, or nothing;
            https://kubernetes.io/docs/reference/using-api/api-concepts/#setting-the-field-validation-level.
        field_manager: who owns the fields.

    Raises:
        BadRequest: the body is not a Job for this namespace. Stricter than the apiserver, this is also said of
            scalars that readers of YAML take for different values.
        ApiError: 422 Invalid: it breaks rules for its fields; `details.causes` has one entry for each. What was to
            be warned of is in its headers, as one Warning.
    """
    reading = read_with_repeated_keys(body)
    _check_kind(reading, body)
    decoded = decode(reading)
    if field_validation == "Strict" and decoded.problems:
        raise BadRequest(f'Job in version "v1" cannot be handled as a Job: {_strictly(reading, decoded.problems)}')
    told = decoded.problems if field_validation == "Warn" else ()
    try:
        job = _completed({**decoded.job, **_EXPECTED}, namespace, field_manager)
    except ApiError as error:
        if told:
            error.headers["Warning"] = ", ".join(map(warning_value, told))
        raise
    return Admitted(in_order(job, "V1Job"), (*told, *warnings_of(job)))


def warning_value(text: str) -> str:
    """Return the value of a Warning header, of which an answer has one for each text."""
    return f"299 - {json.dumps(text, ensure_ascii=False)}"


def _completed(job: Object, namespace: str, field_manager: str) -> Object:
    set_defaults(job)
    _set_system_fields(job, namespace)
    metadata = job["metadata"]
    metadata["managedFields"] = [managed_fields_entry(job, field_manager, metadata["creationTimestamp"])]
    _drop_disabled_fields(job)
    _generate_selector(job)
    validate(job)
    _read_from_etcd(job)
    return job


def _check_kind(reading: Reading, body: bytes) -> None:
    value = reading.value
    if value is not None and not isinstance(value, dict):
        raise _unrecognized(f"{_json_type(value)} into Go value of type {_TYPE_META}", body)
    given = dict[str, str]()
    for name, expected in _EXPECTED.items():
        text = (value or {}).get(name) or expected
        if not isinstance(text, str):
            raise _unrecognized(f"{_json_type(text)} into Go struct field .{name} of type string", body)
        given[name] = text
    kind, version = given["kind"], given["apiVersion"]
    if given != _EXPECTED:
        raise BadRequest(
            f'{kind} in version "{version.rpartition("/")[2]}" cannot be handled as a Job: '
            f'no kind "{kind}" is registered for version "{version}" in scheme "pkg/runtime/scheme.go:111"'
        )


def _unrecognized(what: str, body: bytes) -> BadRequest:
    shown = body[:_SHOWN_BYTES].hex() + (" ..." if len(body) > _SHOWN_BYTES else "")
    return BadRequest(
        "the object provided is unrecognized (must be of type Job): couldn't get version/kind; "
        f"json parse error: json: cannot unmarshal {what} ({shown})"
    )


def _json_type(value: JsonValue) -> str:
    names = {bool: "bool", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")


def _strictly(reading: Reading, problems: tuple[str, ...]) -> str:
    lines = [] if reading.is_json else problems[: len(reading.repeated_keys)]
    repeated = ["yaml: unmarshal errors:" + "".join(f"\n  {line}" for line in lines)] if lines else []
    return f"strict decoding error: {', '.join((*repeated, *problems[len(lines) :]))}"


def _set_system_fields(job: Object, namespace: str) -> None:
    """Write what no caller may choose; https://github.com/kubernetes/apiserver/blob/v0.36.3/pkg/registry/rest/create.go."""
    metadata = job["metadata"]
    if metadata.get("namespace", namespace) != namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    for name in ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"):
        metadata.pop(name, None)
    if "generateName" in metadata and "name" not in metadata:
        prefix = metadata["generateName"][: _LONGEST_NAME - _SUFFIX_LENGTH]
        metadata["name"] = prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_SUFFIX_LENGTH))
    metadata |= {"namespace": namespace, "uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": now()}
    job["status"] = {}


def _drop_disabled_fields(job: Object) -> None:
    """Remove the fields of features that are not enabled by default, as the apiserver does, without a word."""
    pod = job["spec"]["template"]["spec"]
    pod.pop("schedulingGroup", None)
    for kind in ("containers", "initContainers"):
        for container in pod.get(kind) or ():
            if container.get("lifecycle", {}).pop("stopSignal", None) and not container["lifecycle"]:
                del container["lifecycle"]


def _generate_selector(job: Object) -> None:
    """Add the labels and the selector by which a Job finds its pods, unless `manualSelector` says to keep off.

    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/batch/job/strategy.go
    """
    metadata, spec = job["metadata"], job["spec"]
    if spec["manualSelector"]:
        return
    name, uid = metadata.get("name", ""), metadata["uid"]
    labels = spec["template"]["metadata"].setdefault("labels", {})
    _add(labels, {CONTROLLER_UID: uid, JOB_NAME: name, "controller-uid": uid, "job-name": name})
    matched = spec.setdefault("selector", {}).get("matchLabels", {})
    _add(matched, {CONTROLLER_UID: uid})
    spec["selector"] = {"matchLabels": matched, **spec["selector"]}


def _read_from_etcd(job: Object) -> None:
    """Change what a Job's way through etcd changes: defaults are written once more, and an empty list is none."""
    set_defaults(job)
    policy = job["spec"].get("podFailurePolicy")
    if policy is not None:
        policy["rules"] = policy["rules"] or None


def _add(labels: dict[str, str], added: dict[str, str]) -> None:
    """Add labels that are not there, in place and in order."""
    every = sorted({**added, **labels}.items())
    labels.clear()
    labels.update(every)
