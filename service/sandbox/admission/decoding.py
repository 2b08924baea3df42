"""Reading a body as a Job, as the apiserver's decoder does: types are checked, what is unknown is told.

What comes out is what Go's struct would be as JSON: a null, and a zero that means nothing, is left out.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from service.errors import BadRequest
from service.manifests import JsonValue, Reading
from service.sandbox.admission.quantity import Quantity
from service.sandbox.admission.schema import Field, Type, fields_of
from service.sandbox.store import Object

_ZEROS = {"string": "", "integer": 0, "boolean": False, "number": 0.0, "quantity": "0", "int-or-string": 0}
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:[Zz]|[-+]\d\d:\d\d)")
_TIME_LAYOUT = "2006-01-02T15:04:05Z07:00"
_LAST_INTEGER = {"int32": 2**31 - 1, "int64": 2**63 - 1}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A Job as it was sent.

    Attributes:
        job: its fields.
        problems: the unknown fields and the keys given twice, in the apiserver's words and order.
    """

    job: Object
    problems: tuple[str, ...]


class _Place(NamedTuple):
    """Where a value stands: with indexes, for what is unknown; and as Go's decoder names fields, in type errors."""

    path: str
    go_path: str
    struct: str

    def child(self, one: Field, struct: str) -> "_Place":
        embedded = f"{one.embedded}." if one.embedded not in ("", "TypeMeta") else ""
        go_path = f"{self.go_path}.{embedded}{one.name}" if self.go_path else one.name
        return _Place(f"{self.path}.{one.name}" if self.path else one.name, go_path, struct)

    def item(self, index: int) -> "_Place":
        return self._replace(path=f"{self.path}[{index}]")


def decode(reading: Reading) -> Decoded:
    """Return the Job that was read.

    Raises:
        BadRequest: a value has the wrong type.
    """
    decoder = _Decoder(reading)
    try:
        job = decoder.struct(reading.value, Type("struct", "v1.Job", struct="V1Job"), _Place("", "", ""))
    except ValueError as error:
        raise BadRequest(f'Job in version "v1" cannot be handled as a Job: {error}') from None
    return Decoded(job, tuple(decoder.problems()))


@dataclass(slots=True)
class _Decoder:
    reading: Reading
    unknown: list[str] = field(default_factory=list)
    repeated: dict[int, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for _, key, mapping in self.reading.repeated_keys if self.reading.is_json else ():
            self.repeated.setdefault(id(mapping), set()).add(key)

    def problems(self) -> Iterator[str]:
        """Yield what was found; of YAML the apiserver first reads all of it for the keys given twice."""
        if not self.reading.is_json:
            for line, key, _ in self.reading.repeated_keys:
                yield f'line {line}: key "{key}" already set in map'
        yield from self.unknown

    def value(self, value: JsonValue, of: Type, place: _Place) -> Any:
        if isinstance(value, float) and value.is_integer() and not self.reading.is_json:
            value = int(value)  # as the apiserver's own way from YAML to JSON does
        match of.kind:
            case "struct":
                decoded: Any = self.struct(value, of, place)
            case "list":
                decoded = self._list(value, of, place)
            case "map":
                decoded = self._map(value, of, place)
            case _:
                decoded = _scalar(value, of, place)
        return decoded

    def struct(self, value: JsonValue, of: Type, place: _Place) -> Object:
        given = {} if value is None else value
        if not isinstance(given, dict):
            raise _mismatch(given, of, place)
        fields, decoded = fields_of(of.struct), dict[str, Any]()
        for name, content in self._items(given):
            if name not in fields:
                self.unknown.append(f'unknown field "{place.path}{"." if place.path else ""}{name}"')
                continue
            known = fields[name]
            if content is not None:
                decoded[name] = self.value(content, known.type, place.child(known, of.go.rpartition(".")[2]))
            self._tell_repeated(given, name, place)
        return {
            name: decoded[name] if name in decoded else self._zero(known.type)
            for name, known in fields.items()
            if known.always or (name in decoded and (known.pointer or _means_something(decoded[name], known.type)))
        }

    def _items(self, given: dict[str, JsonValue]) -> list[tuple[str, JsonValue]]:
        # The apiserver turns YAML into JSON first, with its keys in order.
        return list(given.items()) if self.reading.is_json else sorted(given.items())

    def _tell_repeated(self, mapping: dict[str, JsonValue], name: str, place: _Place) -> None:
        if name in self.repeated.get(id(mapping), ()):
            self.unknown.append(f'duplicate field "{place.path}{"." if place.path else ""}{name}"')

    def _zero(self, of: Type) -> Any:
        return self.struct(None, of, _Place("", "", "")) if of.kind == "struct" else _ZEROS.get(of.kind)

    def _list(self, value: JsonValue, of: Type, place: _Place) -> list[Any]:
        if not isinstance(value, list) or of.element is None:
            raise _mismatch(value, of, place)
        return [self._item(item, of.element, place.item(index)) for index, item in enumerate(value)]

    def _map(self, value: JsonValue, of: Type, place: _Place) -> dict[str, Any]:
        if not isinstance(value, dict) or of.element is None:
            raise _mismatch(value, of, place)
        decoded = {}
        for name, content in self._items(value):
            if of.go == "v1.ResourceList":
                decoded[name] = str(_quantity(content).in_milli())
            else:
                decoded[name] = self._item(content, of.element, place)
            self._tell_repeated(value, name, place)
        return dict(sorted(decoded.items()))

    def _item(self, value: JsonValue, of: Type, place: _Place) -> Any:
        return self._zero(of) if value is None else self.value(value, of, place)


def _means_something(value: Any, of: Type) -> bool:
    """Tell whether Go would write the value of a field that is left out when empty."""
    return of.kind in ("struct", "time", "any") or bool(value)


def _scalar(value: JsonValue, of: Type, place: _Place) -> Any:
    match of.kind, value:
        case ("any", _) | ("string" | "int-or-string", str()) | ("boolean", bool()):
            return value
        case "quantity", _:
            return str(_quantity(value))
        case "time", str():
            return _time(value)
        case "time", _:
            raise _mismatch(value, Type("string", "string"), place)
        case ("integer" | "int-or-string", int() | float()) if not isinstance(value, bool):
            return _integer(value, "int64" if of.go == "int64" else "int32", place)
        case "int-or-string", _:
            raise _mismatch(value, Type("integer", "int32"), place)
    raise _mismatch(value, of, place)


def _integer(value: float, go: str, place: _Place) -> int:
    if isinstance(value, int) and -_LAST_INTEGER[go] - 1 <= value <= _LAST_INTEGER[go]:
        return value
    raise ValueError(_unmarshal(f"number {value!r}", go, place))


def _quantity(value: JsonValue) -> Quantity:
    if value is None:
        return Quantity.parse("0")
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return Quantity.parse(text.strip())


def _time(text: str) -> str:
    with suppress(ValueError):
        datetime.fromisoformat(text.upper().replace(",", "."))
        if _TIME.fullmatch(text):
            return text
    raise ValueError(f'parsing time "{text}" as "{_TIME_LAYOUT}": cannot parse "{text}" as "2006"')


def _mismatch(value: JsonValue, of: Type, place: _Place) -> ValueError:
    match value:
        case bool():
            what = "bool"
        case str():
            what = "string"
        case list():
            what = "array"
        case dict():
            what = "object"
        case _:
            what = "number"
    return ValueError(_unmarshal(what, of.go, place))


def _unmarshal(what: str, go: str, place: _Place) -> str:
    at = f"Go struct field {place.struct}.{place.go_path}" if place.struct else "Go value"
    return f"json: cannot unmarshal {what} into {at} of type {go}"
