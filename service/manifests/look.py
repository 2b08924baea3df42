"""The look at a manifest that is relayed as it is: enough to refuse what the apiserver would misread.

Nothing is built. The apiserver reads the bytes itself, so what cannot be seen without building (an
alias, a merge key, an explicit tag, a number for a name) is left to it.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from service.manifests.events import Event, Events, shown
from service.manifests.scalars import read_plain_scalar
from service.manifests.source import read

_EXPECTED = (("apiVersion", "batch/v1"), ("kind", "Job"))


@dataclass(frozen=True, slots=True)
class ManifestLook:
    """What is seen of a Job's manifest.

    Attributes:
        content_type: the body's media type, for the apiserver.
        name: metadata.name, if given and visible.
        generate_name: metadata.generateName, if given and visible.
    """

    content_type: str
    name: str | None
    generate_name: str | None


def look(body: bytes, namespace: str) -> ManifestLook:
    """Return what is seen of one Job's manifest. It blocks for as long as the scan of the body takes.

    Args:
        body: the request's body, JSON or YAML; it is to be relayed unchanged.
        namespace: the namespace that the request goes to.

    Raises:
        BadRequest: the body is not one Job for this namespace, or is beyond a cap of `events`. The message
            names line and column.
    """
    source = read(body)
    root = _read_root(source.events)
    for path, expected in _EXPECTED:
        _check_field(root, path, expected)
    metadata = root.mapping("metadata")
    _check_namespace(metadata, namespace)
    name, generate_name = metadata.text("name"), metadata.text("generateName")
    if name == generate_name == "":
        metadata.start.refuse("metadata.name and metadata.generateName are missing: give one of them")
    return ManifestLook(
        content_type="application/json" if source.is_json else "application/yaml",
        name=name or None,
        generate_name=generate_name or None,
    )


@dataclass(slots=True)
class _Mapping:
    """A mapping's fields as far as they are visible; of a key given twice the last one, as upstream reads it.

    Attributes:
        start: where the mapping begins.
        fields: the fields' values.
        veiled: whether any other field may have been given, too.
    """

    start: Event
    fields: "dict[str, Event | _Mapping]" = field(default_factory=dict)
    veiled: bool = False

    def text(self, name: str) -> str | None:
        """Return a field's string; empty when absent or null; None when it cannot be seen."""
        value = self.fields.get(name)
        if value is None:
            return None if self.veiled else ""
        if isinstance(value, _Mapping) or value.kind != "scalar" or value.tag is not None:
            return None
        return _plain_text(value.value) if value.plain else value.value

    def mapping(self, name: str) -> "_Mapping":
        """Return a field's mapping; one without fields when absent or null, a veiled one when it cannot be seen."""
        value = self.fields.get(name)
        return value if isinstance(value, _Mapping) else _Mapping(self.start, veiled=self.text(name) != "")

    def place(self, name: str) -> Event:
        """Return where a field's value stands; of an absent one, where the mapping begins."""
        value = self.fields.get(name, self)
        return value.start if isinstance(value, _Mapping) else value


def _plain_text(text: str) -> str | None:
    with suppress(ValueError):
        value = read_plain_scalar(text)
        return value if isinstance(value, str) else "" if value is None else None
    return None


def _read_root(events: Events[Any]) -> _Mapping:
    start = next(events)
    if start.kind != "mapping":
        start.refuse("the body is not a mapping: send one Job as an object with apiVersion, kind and metadata")
    root = _read_mapping(start, events)
    for _ in events:
        pass  # what follows has to be well-formed, and not another document
    return root


def _read_mapping(start: Event, events: Events[Any]) -> _Mapping:
    mapping = _Mapping(start)
    while (key := next(events)).kind != "end":
        events.skip(key)
        value = next(events)
        if _is_veiled(key):
            mapping.fields.clear()  # upstream's reader lets a later merge replace what was given before
            mapping.veiled = True
        elif key.value == "metadata" and value.kind == "mapping":
            mapping.fields[key.value] = _read_mapping(value, events)
            continue
        else:
            mapping.fields[key.value] = value
        events.skip(value)
    return mapping


def _is_veiled(key: Event) -> bool:
    return key.kind != "scalar" or key.tag is not None or (key.plain and key.value == "<<")


def _check_field(root: _Mapping, name: str, expected: str) -> None:
    text = root.text(name)
    if text == "":
        root.place(name).refuse(f"{name} is missing: write {name}: {expected}")
    if text not in (None, expected):
        root.place(name).refuse(f"{name} is {shown(text)}, but only {name}: {expected} is taken here")


def _check_namespace(metadata: _Mapping, namespace: str) -> None:
    text = metadata.text("namespace")
    if text and text != namespace:
        metadata.place("namespace").refuse(
            f"metadata.namespace is {shown(text)}, but the request goes to namespace {shown(namespace)}: "
            "leave it out or make them equal"
        )
