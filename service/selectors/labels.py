"""Label selectors: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .errors import SelectorError

Operator: TypeAlias = Literal["in", "notin", "exists", "!", "gt", "lt"]

# A word ends before an operator or a blank, and with a NUL; a NUL where no word has begun ends the selector.
_TOKEN = re.compile(r"[ \t\r\n]*(?:(?P<operator>==|!=|[=!(),<>])|(?P<word>[^ \t\r\n=!(),<>\0]+)\0?)")
_END = ""
_BINARY: Mapping[str, Operator] = {
    "in": "in", "notin": "notin", "=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt",
}  # fmt: skip
_EXPECTED_OPERATORS = "in, notin, =, ==, !=, gt, lt"
_AFTER_VALUE = (",", ")")
_NAME_FORMAT = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_NAME = re.compile(_NAME_FORMAT)
_SUBDOMAIN_FORMAT = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_SUBDOMAIN = re.compile(_SUBDOMAIN_FORMAT)
_NAME_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    f"character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME_FORMAT}')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    f"validation is '({_NAME_FORMAT})?')"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN_FORMAT}')"
)
_LABEL_LENGTH = 63
_SUBDOMAIN_LENGTH = 253
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a selector asks of one label.

    Attributes:
        key: the label.
        operator: the relation; = and == are `in` with one value, != is `notin` with one.
        values: what the label is compared with.
    """

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels are as required; a label that is absent satisfies `notin` and `!`."""
        value = labels.get(self.key)
        match self.operator:
            case "in":
                return value in self.values
            case "notin":
                return value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
        number, (bound,) = _int64(value or ""), (_int64(each) for each in self.values)
        if number is None or bound is None:
            return False
        return number > bound if self.operator == "gt" else number < bound


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Requirements that all have to hold; none of them matches everything."""

    requirements: tuple[Requirement, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything is required."""
        return bool(self.requirements)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels satisfy every requirement."""
        return all(each.matches(labels) for each in self.requirements)


def parse_label_selector(text: str) -> LabelSelector:
    """Read a `labelSelector`.

    Raises:
        SelectorError: it is none.
    """
    return LabelSelector(tuple(_Parser(text).requirements()))


class _Parser:
    """Reads requirements from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), (_END, False)]
        self._position = 0

    def requirements(self) -> Iterator[Requirement]:
        while not self._at_end():
            token = self._next()
            if not _begins_requirement(token):
                raise SelectorError(f"found '{token[0]}', expected: !, identifier, or 'end of string'")
            try:
                yield self._requirement(token)
            except SelectorError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from None
            self._comma()

    def _comma(self) -> None:
        """Take what parts two requirements, or stop before the end."""
        if self._at_end():
            return
        found, _ = self._next()
        if found != ",":
            raise SelectorError(f"found '{found}', expected: ',' or 'end of string'")
        if not _begins_requirement(following := self._peek()):
            raise SelectorError(f"found '{following[0]}', expected: identifier after ','")

    def _requirement(self, token: tuple[str, bool]) -> Requirement:
        negated = token == ("!", False)
        key, is_word = self._next() if negated else token
        if not is_word:
            raise SelectorError(f"found '{key}', expected: identifier")
        if problems := _problems_of_key(key):
            raise SelectorError(f"<nil>: Invalid value: {_quoted(key)}: {'; '.join(problems)}")
        if self._peek()[0] in {_END, ","}:
            return Requirement(key, "!" if negated else "exists")
        token_of_operator, _ = self._next()
        operator = _BINARY.get(token_of_operator)
        if operator is None:
            raise SelectorError(f"found '{token_of_operator}', expected: {_EXPECTED_OPERATORS}")
        values = self._values() if token_of_operator in {"in", "notin"} else frozenset((self._value(),))
        _check_values(key, operator, values)
        return Requirement(key, operator, values)

    def _value(self) -> str:
        if self._peek()[0] in {_END, ","}:
            return ""
        token, is_word = self._next()
        if not is_word:
            raise SelectorError(f"found '{token}', expected: identifier")
        return token

    def _values(self) -> frozenset[str]:
        """Read (a,b); a value that is left out is the empty one."""
        opening, _ = self._next()
        if opening != "(":
            raise SelectorError(f"found '{opening}' expected: '('")
        first, is_word = self._peek()
        if not is_word and first not in _AFTER_VALUE:
            raise SelectorError(f"found '{first}', expected: ',', ')' or identifier")
        values, closing = set(), ","
        while closing == ",":
            values.add(self._one_of_values())
            closing, is_word = self._next()
            if is_word or closing not in _AFTER_VALUE:
                raise SelectorError(f"found '{closing}', expected: ',' or ')'")
        return frozenset(values)

    def _one_of_values(self) -> str:
        found, is_word = self._peek()
        if is_word:
            return self._next()[0]
        if found not in _AFTER_VALUE:
            raise SelectorError(f"found '{found}', expected: ',', or identifier")
        return ""

    def _peek(self) -> tuple[str, bool]:
        return self._tokens[self._position]

    def _next(self) -> tuple[str, bool]:
        token = self._peek()
        if not self._at_end():
            self._position += 1
        return token

    def _at_end(self) -> bool:
        return self._position == len(self._tokens) - 1


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each token, and whether it is a word."""
    position = 0
    while match := _TOKEN.match(text, position):
        position = match.end()
        word = match["word"]
        yield (word, True) if word is not None else (match["operator"], False)


def _begins_requirement(token: tuple[str, bool]) -> bool:
    return token[1] or token[0] == "!"


def _problems_of_key(key: str) -> list[str]:
    """Say what is wrong with a label key: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/."""
    *prefixes, name = key.split("/")
    if len(prefixes) > 1:
        example = "(e.g. 'example.com/MyName')"
        return [f"a valid label key {_NAME_RULE} with an optional DNS subdomain prefix and '/' {example}"]
    problems = [f"prefix part {problem}" for prefix in prefixes for problem in _problems_of_prefix(prefix)]
    if not name:
        problems.append("name part must be non-empty")
    elif len(name.encode()) > _LABEL_LENGTH:
        problems.append(f"name part must be no more than {_LABEL_LENGTH} bytes")
    if not _NAME.fullmatch(name):
        problems.append(f"name part {_NAME_RULE}")
    return problems


def _problems_of_prefix(prefix: str) -> Iterator[str]:
    if not prefix:
        yield "must be non-empty"
        return
    if len(prefix.encode()) > _SUBDOMAIN_LENGTH:
        yield f"must be no more than {_SUBDOMAIN_LENGTH} bytes"
    if not _SUBDOMAIN.fullmatch(prefix):
        yield _SUBDOMAIN_RULE


def _check_values(key: str, operator: Operator, values: Collection[str]) -> None:
    told = []
    for index, value in enumerate(sorted(values)):
        if operator in {"gt", "lt"} and _int64(value) is None:
            rule = "for 'Gt', 'Lt' operators, the value must be an integer"
            told.append(f"values[{index}]: Invalid value: {_quoted(value)}: {rule}")
        problems = [f"must be no more than {_LABEL_LENGTH} bytes"] if len(value.encode()) > _LABEL_LENGTH else []
        if value and not _NAME.fullmatch(value):
            problems.append(_VALUE_RULE)
        if problems:
            told.append(f"values[{index}][{key}]: Invalid value: {_quoted(value)}: {'; '.join(problems)}")
    if told:
        raise SelectorError(told[0] if len(told) == 1 else f"[{', '.join(told)}]")


def _int64(text: str) -> int | None:
    if not _INTEGER.fullmatch(text) or len(text) > _LABEL_LENGTH:
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
