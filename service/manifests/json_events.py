"""The events of valid JSON. libyaml reads other escapes and other keys, so JSON does not go through it."""

import re
from collections.abc import Iterator

import msgspec

from service.manifests.events import Event, Kind

# The possessive quantifiers keep the memory of a long string's match constant.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]|[^\s,:{}\[\]"]++')

_STRING = msgspec.json.Decoder(str)


def json_events(text: str) -> Iterator[Event]:
    """Yield the events of a text that is known to be valid JSON."""
    line, line_start, seen = 1, 0, 0
    for token in _TOKEN.finditer(text):
        at = token.start()
        if breaks := text.count("\n", seen, at):
            line += breaks
            line_start = text.rindex("\n", seen, at) + 1
        seen = at
        yield _event(token.group(), line, at - line_start + 1)


def kind_of_event(event: Event) -> Kind:
    """Return an event's kind."""
    return event.kind


def _event(token: str, line: int, column: int) -> Event:
    match token[0]:
        case '"':
            return Event("scalar", line, column, _STRING.decode(token) if "\\" in token else token[1:-1])
        case "{":
            return Event("mapping", line, column)
        case "[":
            return Event("sequence", line, column)
        case "}" | "]":
            return Event("end", line, column)
        case _:
            return Event("scalar", line, column, token, True)
