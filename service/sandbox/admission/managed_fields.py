"""metadata.managedFields: which manager owns which fields of a Job.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management; the form of the tree is told at
https://github.com/kubernetes-sigs/structured-merge-diff/blob/v6.3.0/fieldpath/serialize.go
"""

from collections import Counter
from typing import Any

import msgspec

from service.sandbox.admission.go_structs import ATOMIC
from service.sandbox.admission.schema import Field, Type, fields_of
from service.sandbox.store import Object

# Set by the system, not owned; https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/util/managedfields/internal/stripmeta.go
_SYSTEM = (
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "managedFields",
)

# They are there in every Job, also in an empty one, so nobody is the one who added them.
_ALWAYS_THERE = frozenset(
    (
        "metadata",
        "spec",
        "spec.template",
        "spec.template.metadata",
        "spec.template.spec",
        "spec.template.spec.containers",
    )
)


def managed_fields_entry(job: Object, manager: str, time: str) -> Object:
    """Return the entry of the manager that creates a Job: it owns every field, those with defaults, too.

    Args:
        job: the Job with its defaults, but without what the apiserver adds after them, such as the selector.
        manager: the request's fieldManager.
        time: when.
    """
    metadata = {name: value for name, value in job["metadata"].items() if name not in _SYSTEM}
    owned = {"metadata": metadata, "spec": job["spec"]}
    return {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "batch/v1",
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": _struct(owned, "V1Job", ""),
    }


def _struct(value: Object, struct: str, path: str) -> Object:
    tree: Object = {} if path in _ALWAYS_THERE or not path else {".": {}}
    for name, known in fields_of(struct).items():
        if name in value:
            at = f"{path}.{name}" if path else name
            owned = _field(value[name], known, at)
            if owned or at not in _ALWAYS_THERE:
                tree[f"f:{name}"] = owned
    return dict(sorted(tree.items()))


def _field(value: Any, known: Field, path: str) -> Object:
    if known.atomic or not value:
        return {}
    if known.keys is not None and known.type.element is not None:
        return _set(value) if not known.keys else _list(value, known.keys, known.type.element, path)
    return _value(value, known.type, path)


def _value(value: Any, of: Type, path: str) -> Object:
    if of.kind == "struct":
        return _struct(value, of.struct, path) if value else {}
    if of.kind == "map":
        return {".": {}, **{f"f:{key}": {} for key in sorted(value)}}
    return {}


def _set(items: list[Any]) -> Object:
    return {".": {}, **{key: {} for key in sorted(f"v:{_json(item)}" for item in items)}}


def _list(items: list[Object], keys: tuple[str, ...], of: Type, path: str) -> Object:
    names = [f"k:{_json({key: item.get(key, '') for key in sorted(keys)})}" for item in items]
    times = Counter(names)
    # What is there twice cannot be owned in parts.
    parts = {
        name: {} if times[name] > 1 or of.struct in ATOMIC else _struct(item, of.struct, f"{path}[]")
        for name, item in zip(names, items, strict=True)
    }
    return {**({} if path in _ALWAYS_THERE else {".": {}}), **dict(sorted(parts.items()))}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
