"""Field selectors: https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .errors import SelectorError

_TERM = re.compile(r"(?:[^\\,]|\\.|\\\Z)*", re.DOTALL)
_FIELD_TERM = re.compile(r"(?P<field>.*?)(?P<operator>!=|==|=)(?P<value>.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.?)|([,=])|[^\\,=]+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """What a selector asks of one field.

    Attributes:
        field: the path, such as metadata.name.
        equal: whether the field must have the value, or must not.
        value: what it is compared with.
    """

    field: str
    equal: bool
    value: str


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Terms that all have to hold; none of them matches everything."""

    terms: tuple[FieldTerm, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything is required."""
        return bool(self.terms)

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Tell whether fields satisfy every term; one that is absent has the empty value."""
        return all((fields.get(each.field, "") == each.value) is each.equal for each in self.terms)


def parse_field_selector(text: str) -> FieldSelector:
    r"""Read a `fieldSelector`; in values, `\\`, `\,` and `\=` stand for what follows the backslash.

    Which fields there are is for the caller to check, in the order of `terms`, as the apiserver does.

    Raises:
        SelectorError: it is none.
    """
    return FieldSelector(tuple(_field_term(text, term) for term in sorted(_split(text)) if term))


def _split(text: str) -> Iterator[str]:
    position = 0
    while position <= len(text):
        match = _TERM.match(text, position)
        assert match is not None  # noqa: S101 (it matches the empty string)
        yield match[0]
        position = match.end() + 1


def _field_term(selector: str, term: str) -> FieldTerm:
    match = _FIELD_TERM.fullmatch(term)
    if match is None:
        raise SelectorError(f"invalid selector: '{selector}'; can't understand '{term}'")
    return FieldTerm(match["field"], match["operator"] != "!=", _unescaped(match["value"]))


def _unescaped(value: str) -> str:
    parts = []
    for match in _ESCAPED.finditer(value):
        escaped, bare = match[1], match[2]
        if bare is not None:
            raise SelectorError(f"invalid field selector: unescaped character in value: {ord(bare)}")
        if escaped is None:
            parts.append(match[0])
        elif escaped in {"\\", ",", "="}:
            parts.append(escaped)
        else:
            raise SelectorError(f"invalid field selector: invalid escape sequence: \\{escaped}")
    return "".join(parts)
