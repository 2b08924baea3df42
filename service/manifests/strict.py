"""The strict reading of a body: its JSON value, and a refusal where two readers would see two values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from service.manifests.events import MAX_NODES, Event, shown
from service.manifests.scalars import Scalar, read_json_literal, read_plain_scalar
from service.manifests.source import read

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | Scalar"

# No body without aliases gets here with as much: one may have 3 MiB.
_MAX_CHARACTERS = 4 * 1024 * 1024
_STRING_TAG = "tag:yaml.org,2002:str"


def read_strictly(body: bytes) -> JsonValue:
    """Return the value of a body, JSON or YAML, as the apiserver would read it.

    Nodes that a YAML body names by aliases are shared in the value, which therefore is not to be changed in
    place. Written out as JSON it has at most 100,000 nodes and 4 MiB of text.

    Raises:
        BadRequest: the body is not one document of JSON or YAML, is beyond a cap of `events`, has a key
            twice, a tag other than !!str, or a scalar that readers of YAML take for different values. The
            message names line and column.
    """
    return _read(body, None).value


class RepeatedKey(NamedTuple):
    """A key that a mapping has twice.

    Attributes:
        line: where it is given again, from 1.
        key: the key.
        mapping: the mapping, as it is in the value that was read.
    """

    line: int
    key: str
    mapping: "dict[str, JsonValue]"


class Reading(NamedTuple):
    """What a body says.

    Attributes:
        value: its value; of a key given twice, the last one's.
        is_json: whether it was a JSON object; else it was YAML.
        repeated_keys: the keys given twice, in the order in which their values end.
    """

    value: JsonValue
    is_json: bool
    repeated_keys: Sequence[RepeatedKey]


def read_with_repeated_keys(body: bytes) -> Reading:
    """Read as `read_strictly` does, but report keys given twice instead of refusing them.

    Raises:
        BadRequest: as by `read_strictly`, also for a key that is given twice by a merge (`<<`).
    """
    return _read(body, [])


def _read(body: bytes, repeated_keys: list[RepeatedKey] | None) -> Reading:
    source = read(body)
    reader = _Reader(source.events, read_json_literal if source.is_json else read_plain_scalar, repeated_keys)
    value = reader.read(next(source.events))
    for _ in source.events:
        pass  # what follows has to be well-formed, and not another document
    return Reading(value, source.is_json, repeated_keys or ())


@dataclass(slots=True)
class _Anchored:
    """A value that an alias may name once it is complete, and what it weighs when written out."""

    complete: bool = False
    value: JsonValue = None
    nodes: int = 0
    characters: int = 0


class _Reader:
    """Builds values from events, and counts what they weigh when written out. Its recursion is capped by theirs."""

    def __init__(
        self,
        events: Iterator[Event],
        read_plain: Callable[[str], Scalar],
        repeated_keys: list[RepeatedKey] | None,
    ) -> None:
        self._events = events
        self._read_plain = read_plain
        self._repeated_keys = repeated_keys
        self._anchored: dict[str, _Anchored] = {}
        self._nodes = 0
        self._characters = 0

    def read(self, event: Event) -> JsonValue:
        """Return the value that begins with the event."""
        if event.kind == "alias":
            return self._alias(event)
        if event.anchor is not None:
            return self._anchor(event, event.anchor)
        return self._node(event)

    def _anchor(self, event: Event, name: str) -> JsonValue:
        # Known from its beginning on: the same name may be given again within, and is then the later one.
        anchored = self._anchored[name] = _Anchored()
        nodes, characters = self._nodes, self._characters
        anchored.value = self._node(event)
        anchored.nodes, anchored.characters = self._nodes - nodes, self._characters - characters
        anchored.complete = True
        return anchored.value

    def _alias(self, event: Event) -> JsonValue:
        anchored = self._anchored.get(event.value)
        if anchored is None:
            event.refuse(f"there is no anchor {shown(event.value)} before this alias")
        if not anchored.complete:
            event.refuse(f"the value of anchor {shown(event.value)} contains itself")
        self._weigh(event, anchored.nodes, anchored.characters)
        return anchored.value

    def _weigh(self, event: Event, nodes: int, characters: int) -> None:
        self._nodes += nodes
        self._characters += characters
        if self._nodes > MAX_NODES or self._characters > _MAX_CHARACTERS:
            event.refuse("the body is too large when its aliases are written out")

    def _node(self, event: Event) -> JsonValue:
        self._weigh(event, 1, len(event.value))
        if event.tag is not None and (event.kind != "scalar" or event.tag != _STRING_TAG):
            event.refuse(f"the tag {shown(event.tag)} is not taken: leave it out")
        if event.kind == "mapping":
            return self._mapping()
        if event.kind == "sequence":
            return [self.read(item) for item in self._until_end()]
        if event.tag is not None or not event.plain:
            return event.value
        try:
            return self._read_plain(event.value)
        except ValueError as error:
            event.refuse(str(error))

    def _until_end(self) -> Iterator[Event]:
        while (event := next(self._events)).kind != "end":
            yield event

    def _mapping(self) -> dict[str, JsonValue]:
        mapping: dict[str, JsonValue] = {}
        for key in self._until_end():
            if key.plain and key.value == "<<" and key.tag is None:
                self._merge(key, mapping)
                continue
            name = self.read(key)
            if not isinstance(name, str):
                key.refuse("the key is not a string: quote it")
            value = self.read(next(self._events))
            if name in mapping and self._repeated_keys is not None:
                self._repeated_keys.append(RepeatedKey(key.line, name, mapping))
                del mapping[name]
            _put(key, mapping, name, value)
        return mapping

    def _merge(self, key: Event, mapping: dict[str, JsonValue]) -> None:
        event = next(self._events)
        merged = self.read(event)
        for source in merged if isinstance(merged, list) and event.kind != "alias" else [merged]:
            if not isinstance(source, dict):
                key.refuse("<< merges a mapping or a list of mappings only")
            for name, value in source.items():
                _put(key, mapping, name, value)


def _put(key: Event, mapping: dict[str, JsonValue], name: str, value: JsonValue) -> None:
    if name in mapping:
        key.refuse(f"the key {shown(name)} is given twice")
    mapping[name] = value
