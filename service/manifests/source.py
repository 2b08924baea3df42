"""A body's bytes: whether they are JSON or YAML, and their events."""

from dataclasses import dataclass
from typing import Any

import msgspec

from service.errors import BadRequest
from service.manifests.events import Event, Events, place_after
from service.manifests.json_events import json_events, kind_of_event
from service.manifests.yaml_events import event_of_step, kind_of_step, yaml_steps


class _AnyObject(msgspec.Struct):
    """A JSON object all of whose fields are skipped: msgspec checks what it skips without building it."""


_JSON_OBJECT = msgspec.json.Decoder(_AnyObject)


@dataclass(frozen=True, slots=True)
class Source:
    """A body to be read once.

    Attributes:
        is_json: whether it is a JSON object; else it is taken as YAML.
        events: its only document's events, within the caps. Whoever reads them all knows that the body
            is well-formed to its end; each step may raise BadRequest.
    """

    is_json: bool
    events: Events[Any]


def read(body: bytes) -> Source:
    """Return the body's events; raise BadRequest, at the latest while they are read, if it has none."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = place_after(body[: error.start])
        raise BadRequest(f"line {line}, column {column}: the body is not UTF-8") from None
    if _is_json_object(body):
        return Source(is_json=True, events=Events(json_events(text), kind_of_event, _same))
    return Source(is_json=False, events=Events(yaml_steps(body, text), kind_of_step, event_of_step))


def _same(event: Event) -> Event:
    return event


def _is_json_object(body: bytes) -> bool:
    if not body.lstrip(b" \t\r\n").startswith(b"{"):
        return False
    try:
        _JSON_OBJECT.decode(body)
    except RecursionError:
        return True  # JSON as far as it was read, and the caps stop the scan long before that place
    except msgspec.DecodeError:
        return False
    return True
