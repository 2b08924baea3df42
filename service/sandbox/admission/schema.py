"""The known fields of a Job, from kubernetes-asyncio's models: their names, types, and order."""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from service.sandbox.admission.go_structs import ATOMIC, FIELDS
from service.sandbox.store import Object

Kind: TypeAlias = Literal[
    "string", "integer", "boolean", "number", "time", "quantity", "int-or-string", "any", "struct", "list", "map"
]

_SCALARS: Mapping[str, tuple[Kind, str]] = MappingProxyType(
    {
        "str": ("string", "string"),
        "int": ("integer", "int32"),
        "bool": ("boolean", "bool"),
        "float": ("number", "float64"),
        "datetime": ("time", "v1.Time"),
        "object": ("int-or-string", "intstr.IntOrString"),
    }
)
_OTHER_KINDS: Mapping[str, Kind] = MappingProxyType({"resource.Quantity": "quantity", "v1.FieldsV1": "any"})

_FIELD = re.compile(
    r"(?:(?P<embedded>\w+)\.)?(?P<name>\w+)(?P<flag>[*!]?)(?:\[(?P<keys>[\w,]*)\])?(?::(?P<go>\S+))?"
)


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a value.

    Attributes:
        kind: what it is in JSON.
        go: its name in Go, which errors mention.
        element: what a list or a map consists of.
        struct: the model of a struct, by which `fields_of` knows its fields.
    """

    kind: Kind
    go: str
    element: "Type | None" = None
    struct: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct.

    Attributes:
        name: its name in JSON.
        type: the type of its value.
        embedded: the Go struct within the struct that has it, if any.
        pointer: whether its zero means something and is kept.
        always: whether it is written even when it was never given.
        keys: of a list of type map, what tells its items apart; empty for a set; None for any other field.
        atomic: whether it has one owner, whole.
    """

    name: str
    type: Type
    embedded: str
    pointer: bool
    always: bool
    keys: tuple[str, ...] | None
    atomic: bool


@cache
def fields_of(struct: str) -> Mapping[str, Field]:
    """Return the fields of a struct by their names, in the order of the apiserver's JSON.

    The first call imports the models, which takes a second unless something else did it before.
    """
    model = getattr(importlib.import_module("kubernetes_asyncio.client.models"), struct)
    types = {model.attribute_map[attribute]: name for attribute, name in model.openapi_types.items()}
    found = (_FIELD.fullmatch(text) for text in FIELDS.get(struct, "").split())
    told = {match["name"]: match for match in found if match}
    order = [name for name in told if name in types] + [name for name in types if name not in told]
    return MappingProxyType({name: _field(name, types[name], told.get(name)) for name in order})


def _field(name: str, model_type: str, told: re.Match[str] | None) -> Field:
    of = _type(model_type, told and told["go"])
    if told is None:
        return Field(name, of, "", pointer=False, always=False, keys=None, atomic=of.struct in ATOMIC)
    keys = told["keys"]
    atomic = keys == "atomic" or of.struct in ATOMIC
    merged = None if keys is None or atomic else tuple(filter(None, keys.split(",")))
    return Field(name, of, told["embedded"] or "", told["flag"] == "*", told["flag"] == "!", merged, atomic)


def _type(name: str, go: str | None = None) -> Type:
    if name.startswith("list["):
        element = _type(name.removeprefix("list[")[:-1], go and go.removeprefix("[]"))
        return Type("list", go or f"[]{element.go}", element)
    if name.startswith("dict("):
        element = Type("quantity", "resource.Quantity") if go == "v1.ResourceList" else _type(name[10:-1])
        return Type("map", go or f"map[string]{element.go}", element)
    if name in _SCALARS:
        kind, usual = _SCALARS[name]
        return Type(_OTHER_KINDS.get(go or usual, kind), go or usual)
    return Type("struct", go or "v1." + name.partition("V1")[2], struct=name)


def in_order(value: Object, struct: str) -> Object:
    """Return a struct's value with its fields, and those within, in the order of the apiserver's JSON."""
    return {name: _in_order(value[name], known.type) for name, known in fields_of(struct).items() if name in value}


def _in_order(value: Any, of: Type) -> Any:
    if value is None:
        return None
    if of.kind == "struct":
        return in_order(value, of.struct)
    if of.kind == "map":
        return dict(sorted(value.items()))
    if of.kind == "list" and of.element is not None:
        return [_in_order(item, of.element) for item in value]
    return value
