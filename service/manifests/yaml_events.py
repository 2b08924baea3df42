"""The events of YAML, by libyaml's event parser.

Only its events are safe: on 60 kB of `[` PyYAML's composer on top of it overflows the C stack and ends the
process, and PyYAML's own parser in Python is slow and recursive.
"""

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from service.errors import BadRequest
from service.manifests.events import Event, Kind, place_after

if not yaml.__with_libyaml__:
    raise ImportError("PyYAML is installed without libyaml: install one of its wheels, or build it with libyaml")

# libyaml compares each %TAG directive with all before it, and copies its text into every tag.
_MAX_TAG_DIRECTIVES_LENGTH = 250
_MAX_DOCUMENTS = 100

_START = Event("end", 1, 1)

_KINDS: dict[type, Kind] = {
    yaml.MappingStartEvent: "mapping",
    yaml.SequenceStartEvent: "sequence",
    yaml.ScalarEvent: "scalar",
    yaml.AliasEvent: "alias",
    yaml.MappingEndEvent: "end",
    yaml.SequenceEndEvent: "end",
}

# Both stand at the beginning of a line. Looking behind comes second, so that the search is for a fixed text.
_TAG_DIRECTIVE = re.compile(r"%TAG(?<![^\r\n\x85\u2028\u2029]%TAG)[ \t]+![\w-]*!?[ \t]+\S+")
_BYTE_ORDER_MARK = re.compile(r"\ufeff(?<![^\r\n\x85\u2028\u2029]\ufeff)")


def yaml_steps(body: bytes, text: str) -> Iterator[Any]:
    """Yield libyaml's events of the body's first document; any other one may only be empty.

    Args:
        body: the body, valid UTF-8.
        text: the body, decoded.

    Raises:
        BadRequest: there is nothing in the first document, something in another one, or the body is not YAML.
    """
    _check_tag_directives(text)
    _check_byte_order_marks(text)
    last: Any = None
    try:
        for last in _only_document(iter(yaml.CSafeLoader(body).get_event, None)):
            yield last
    except yaml.reader.ReaderError as error:
        raise _not_yaml(*place_after(body[: error.position]), error.reason) from None
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark
        raise _not_yaml(mark.line + 1, mark.column + 1, error.problem or "") from None
    except (yaml.YAMLError, ValueError, MemoryError):
        after = _START if last is None else event_of_step(last)
        raise _not_yaml(after.line, after.column, "what follows cannot be read") from None


def kind_of_step(step: Any) -> Kind:
    """Return which kind of event one of libyaml's is."""
    return _KINDS[type(step)]


def event_of_step(step: Any) -> Event:
    """Return one of libyaml's events as an event."""
    kind = _KINDS.get(type(step), "end")
    line, column = step.start_mark.line + 1, step.start_mark.column + 1
    match kind:
        case "scalar":
            return Event(kind, line, column, step.value, not step.style, step.tag, step.anchor)
        case "mapping" | "sequence":
            return Event(kind, line, column, "", False, step.tag, step.anchor)
        case "alias":
            return Event(kind, line, column, step.anchor)
        case _:
            return Event(kind, line, column)


def _not_yaml(line: int, column: int, problem: str) -> BadRequest:
    return BadRequest(f"the body is not YAML: line {line}, column {column}: {problem}")


def _check_tag_directives(text: str) -> None:
    length = 0
    for directive in _TAG_DIRECTIVE.finditer(text):
        length += len(directive.group())
        if length > _MAX_TAG_DIRECTIVES_LENGTH:
            _refuse_line(text, directive.start(), "more %TAG directives than any manifest needs: leave them out")


def _check_byte_order_marks(text: str) -> None:
    if mark := _BYTE_ORDER_MARK.search(text):
        _refuse_line(text, mark.start(), "readers of YAML differ on a byte order mark (U+FEFF) here: leave it out")


def _refuse_line(text: str, at: int, problem: str) -> NoReturn:
    Event("end", text.count("\n", 0, at) + 1, 1).refuse(problem)


def _only_document(steps: Iterator[Any]) -> Iterator[Any]:
    documents = 0
    for step in steps:
        if type(step) in _KINDS:
            yield step
        elif isinstance(step, yaml.DocumentStartEvent):
            documents += 1
            first = next(steps)
            root = event_of_step(first)
            if documents == 1 and not _is_empty(root):
                yield first
            else:
                _check_empty_document(documents, event_of_step(step), root)
    if not documents:
        _START.refuse("the body is empty")


def _check_empty_document(number: int, start: Event, root: Event) -> None:
    if number == 1:
        start.refuse("the first document is empty, and no other one is read: leave it out")
    if not _is_empty(root):
        start.refuse("a second document begins here; send one object a request")
    if number > _MAX_DOCUMENTS:
        start.refuse(f"the body has more than {_MAX_DOCUMENTS} documents; send one object a request")


def _is_empty(root: Event) -> bool:
    return root.plain and not root.value and root.tag is None and root.anchor is None
