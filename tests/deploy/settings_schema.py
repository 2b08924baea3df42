"""The settings as the chart's schema has them, from where the service declares them."""

import inspect
import json
from dataclasses import Field, fields
from typing import Any, get_type_hints

from service.setting_values import Address
from service.settings import Settings, flag_of

from .paths import CHART

SCHEMA = CHART / "values.schema.json"
# Without these the chart could not say where the container listens, nor how long it takes to end.
_REQUIRED = ("authMode", "listen", "shutdownDrainSeconds", "shutdownGraceSeconds")
_TYPES: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    float: {"type": "number"},
    int: {"type": "integer"},
    str: {"type": "string", "minLength": 1},
    # In a Pod a free port would be known to nobody.
    Address: {"type": "string", "pattern": "^.+:[1-9][0-9]{0,4}$"},
    tuple[str, ...]: {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
}


def value_name(setting: str) -> str:
    """Return how the chart calls a setting: `log_level` is `logLevel`."""
    first, *others = setting.split("_")
    return first + "".join(word.capitalize() for word in others)


def with_settings(text: str) -> str:
    """Return the schema's text with the settings as they are now."""
    schema = json.loads(text)
    schema["properties"]["settings"] = _settings()
    return json.dumps(schema, indent=2) + "\n"


def _settings() -> dict[str, Any]:
    hints = get_type_hints(Settings)
    return {
        "type": "object",
        "description": "The service's own settings, written by `python -m tests.deploy`.",
        "additionalProperties": False,
        "required": list(_REQUIRED),
        "properties": {value_name(each.name): _setting(each, hints[each.name]) for each in fields(Settings)},
    }


def _setting(declared: Field[Any], hint: Any) -> dict[str, Any]:
    types = (kind for kind in _TYPES if hint in (kind, kind | None))
    bounds = inspect.getclosurevars(declared.metadata["parse"]).nonlocals
    limits = {name: bounds[name] for name in ("minimum", "maximum") if name in bounds}
    told = {"description": f"{flag_of(declared.name)}: {declared.metadata['help']}"}
    if "choices" in bounds:
        return {"enum": list(bounds["choices"]), **told}
    return {**_TYPES[next(types)], **limits, **told}
