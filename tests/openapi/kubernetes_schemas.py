"""`python -m tests.openapi.kubernetes_schemas` writes Kubernetes' own kinds as service/api/openapi/kubernetes.json.

They are what a real apiserver's OpenAPI 3.0 has, as JSON Schema 2020-12, mended where it answers otherwise; no
description is taken, since the prose is Kubernetes' own.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.cluster.control_plane import ControlPlane

Schema = dict[str, Any]

SCHEMAS = Path(__file__).parents[2] / "service" / "api" / "openapi" / "kubernetes.json"

# What these are made of comes along. WatchEvent is not here: to the apiserver its object is anything at all.
ROOTS = (
    "io.k8s.api.batch.v1.Job",
    "io.k8s.api.batch.v1.JobList",
    "io.k8s.api.core.v1.EventList",
    "io.k8s.api.core.v1.PodList",
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
)
_DOCUMENTS = ("/openapi/v3/apis/batch/v1", "/openapi/v3/api/v1")
_PREFIX = "#/components/schemas/"

# A time that is not set is null where Go has it as a value (an event's eventTime, a condition's lastProbeTime), and
# left out where it is a pointer. The apiserver's schema does not tell them apart, so that each may be null. Every
# generator knows a time, so that it stands where it is used.
_TIME = {"type": ["string", "null"], "format": "date-time"}
_IN_PLACE: Mapping[str, Schema] = {
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": _TIME,
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": _TIME,
}
# A slice or a pointer without Go's `omitempty` is null where it is not set; admission refuses the others of them.
NULLS = (
    ("PodFailurePolicy", "rules"),
    ("ProjectedVolumeSource", "sources"),
    ("ScaleIOVolumeSource", "secretRef"),
    ("TypedLocalObjectReference", "apiGroup"),
    ("TypedObjectReference", "apiGroup"),
)
_KEPT = {"type", "format", "required", "properties", "items", "additionalProperties", "anyOf", "oneOf"}
# A default is Go's zero value nearly everywhere, not what the apiserver would set; and with one, generators of
# TypeScript make of a field that may be left out one that must be sent. What is one of a few values today may have
# more after the cluster's next upgrade, at which a client that knows them all by name would fail.
_DROPPED = {"description", "default", "enum"}


def schemas_of(control_plane: ControlPlane) -> dict[str, Schema]:
    """Return the schemas that the roots are made of, as the apiserver has them, under their short names.

    Raises:
        ValueError: two types have one short name, the apiserver's documents disagree about a type, or a schema says
            something that is not known here.
    """
    published: dict[str, Schema] = {}
    for path in _DOCUMENTS:
        document = json.loads(control_plane.kubectl("get", "--raw", path))
        for name, schema in document["components"]["schemas"].items():
            known = published.setdefault(name, schema)
            # They may differ in the groups that a type belongs to, which are not kept.
            if known != schema and _converted(known) != _converted(schema):
                raise ValueError(f"{name} is not the same in {' and '.join(_DOCUMENTS)}")
    named = _named({name: _converted(published[name]) for name in _closure(published)})
    for name, field in NULLS:
        properties = named[name]["properties"]
        properties[field] = _or_null(properties[field])
    return named


def text_of(schemas: Mapping[str, Schema]) -> str:
    """Return what the file is to contain, which is the same for the same schemas."""
    return json.dumps(schemas, indent=1, sort_keys=True) + "\n"


def _closure(published: Mapping[str, Schema]) -> set[str]:
    """Return the full names of the roots and of all that they refer to."""
    found: set[str] = set()
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_references(published[name]))
    return found - _IN_PLACE.keys()


def _references(schema: object) -> Iterable[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield _full_name(value)
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)


def _named(schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    named = {_short_name(name): schema for name, schema in schemas.items()}
    if len(named) != len(schemas):
        raise ValueError(f"two types have one short name: {sorted(schemas)}")
    return named


def _converted(schema: Schema) -> Schema:
    """Return a schema as JSON Schema 2020-12, without what only Kubernetes' own tools read."""
    match schema:
        case {"allOf": [{"$ref": str(reference)}]} | {"$ref": str(reference)}:
            name = _full_name(reference)
            return dict(_IN_PLACE.get(name, {"$ref": _PREFIX + _short_name(name)}))
        case {"type": "object"} if not schema.keys() & {"properties", "additionalProperties"}:
            # Said aloud, because to generators of TypeScript an object that says nothing is empty.
            return {"type": "object", "additionalProperties": True}
    unknown = {key for key in schema.keys() - _KEPT - _DROPPED if not key.startswith("x-kubernetes-")}
    if unknown:
        raise ValueError(f"{sorted(unknown)} of {schema} is not known here; decide what it becomes")
    kept = _KEPT if "type" in schema else _KEPT - {"format"}  # Kubernetes' own, of an integer or a string
    # Either is any, where the types exclude each other.
    inside = {
        "anyOf" if key == "oneOf" else key: _inside(key, value) for key, value in schema.items() if key in kept
    }
    return _told_apart(inside, {each["kind"] for each in schema.get("x-kubernetes-group-version-kind", ())})


def _told_apart(schema: Schema, kinds: set[str]) -> Schema:
    """Return the schema of an object that says its kind; by that clients know a Job from a Status."""
    if not kinds:
        return schema
    (kind,) = kinds
    return {**schema, "properties": {**schema["properties"], "kind": {"type": "string", "const": kind}}}


def _inside(key: str, value: Any) -> Any:
    match key:
        case "properties":
            return {name: _converted(each) for name, each in value.items()}
        case "items" | "additionalProperties":
            return _converted(value)
        case "anyOf" | "oneOf":
            return [_converted(each) for each in value]
        case _:
            return value


def _or_null(schema: Schema) -> Schema:
    return (
        {**schema, "type": [schema["type"], "null"]} if "type" in schema else {"anyOf": [schema, {"type": "null"}]}
    )


def _full_name(reference: str) -> str:
    return reference.removeprefix(_PREFIX)


def _short_name(name: str) -> str:
    return name.rpartition(".")[2]


def main() -> None:
    with ControlPlane() as control_plane:
        SCHEMAS.write_text(text_of(schemas_of(control_plane)))


if __name__ == "__main__":
    main()
