"""Kinds of parameters: each tells from one declaration what is accepted, and what the OpenAPI document says of it.

The rules are kube-apiserver's, but where it guesses (any boolean but "false" is true) or stumbles (500 for
`resourceVersion=abc` on a get) the value is refused here. See
https://kubernetes.io/docs/reference/kubernetes-api/common-parameters/common-parameters/.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from service.dns_names import LABEL, LABEL_LENGTH, SUBDOMAIN, SUBDOMAIN_LENGTH

Schema = Mapping[str, Any]

_BOOLEANS = ("true", "false", "1", "0")
_WHOLE = re.compile(r"-?[0-9]{1,20}")
_LEAST, _MOST = -(2**63), 2**63 - 1
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
# Go's time.ParseDuration: https://pkg.go.dev/time#ParseDuration
_DURATION = r"[-+]?(0|(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)"
_TERM = re.compile(r"([0-9.]+)([a-zµμ]+)")
_UNITS = {
    **{"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6},
    **{"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9},
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a call.

    Attributes:
        name: its name, as Kubernetes spells it.
        told: what it is for, in the OpenAPI document.
        expects: what a value must be, for the message that refuses another.
        accepts: tells whether a value is that.
        schema: the same as JSON Schema.
        default: the value that a route takes where none is given; None for none, or for the apiserver's own.
        example: a value that works on the sandbox; None where there is nothing to show.
    """

    name: str
    told: str
    expects: str
    accepts: Callable[[str], bool]
    schema: Schema
    default: str | None = None
    example: str | None = None


def text(name: str, told: str) -> Parameter:
    """Return one that may be any text; whether it means anything is the apiserver's to say."""
    return matching(name, told, "a text without NUL", r"[^\x00]*")


def boolean(name: str, told: str) -> Parameter:
    """Return one that is true or false."""
    return Parameter(name, told, "one of true, false, 1, 0", lambda value: value in _BOOLEANS, {"type": "boolean"})


def one_of(name: str, told: str, *choices: str) -> Parameter:
    """Return one with a few values, case-sensitive."""
    expects = f"one of {', '.join(choices)}" if len(choices) > 1 else choices[0]
    return Parameter(
        name,
        told,
        f"{expects} (upper and lower case matter)",
        lambda value: value in choices,
        {"type": "string", "enum": list(choices)},
    )


def whole(name: str, told: str, least: int = _LEAST, most: int = _MOST) -> Parameter:
    """Return one that is a whole number within bounds, both included."""
    expects = "a whole number of 64 bit" + (f", {least} or more" if least != _LEAST else "")
    schema = {"type": "integer", "format": "int64", "minimum": least, "maximum": most}
    return Parameter(
        name,
        told,
        expects if most == _MOST else f"a whole number from {least} to {most}",
        lambda value: _WHOLE.fullmatch(value) is not None and least <= int(value) <= most,
        {key: bound for key, bound in schema.items() if bound not in {_LEAST, _MOST}},
    )


def matching(name: str, told: str, expects: str, pattern: str, longest: int | None = None) -> Parameter:
    """Return one whose whole text matches a pattern that means the same in Python and in ECMA-262.

    Args:
        name: as in `Parameter`.
        told: likewise.
        expects: likewise.
        pattern: the pattern, without anchors.
        longest: the most characters; None for any number.
    """
    compiled = re.compile(pattern, re.ASCII)
    length = {} if longest is None else {"maxLength": longest}
    return Parameter(
        name,
        told,
        expects,
        lambda value: (longest is None or len(value) <= longest) and compiled.fullmatch(value) is not None,
        {"type": "string", "pattern": f"^({pattern})$", **length},
    )


def resource_version(name: str, told: str) -> Parameter:
    """Return one that is a resourceVersion."""
    digits = matching(name, told, "a resourceVersion: an unsigned number of 64 bit, or empty", "[0-9]*", longest=20)
    return replace(digits, accepts=lambda value: digits.accepts(value) and int(value or "0") < 2**64)


def duration(name: str, told: str) -> Parameter:
    """Return one that is a duration as Go writes it."""
    text = matching(name, told, "a duration such as 30s or 1m30s", _DURATION)
    return replace(text, accepts=lambda value: text.accepts(value) and _nanoseconds(value) <= _MOST)


def time(name: str, told: str) -> Parameter:
    """Return one that is a time (RFC 3339)."""
    return Parameter(
        name,
        told,
        "a time as in RFC 3339, such as 2026-01-31T12:00:00Z",
        _is_time,
        {"type": "string", "format": "date-time", "pattern": f"^({_TIME})$"},
    )


def label(name: str, told: str, of: str) -> Parameter:
    """Return one that is a DNS-1123 label; `of` says what has that form."""
    return matching(name, told, f"a DNS-1123 label, the form of {of}", LABEL, LABEL_LENGTH)


def subdomain(name: str, told: str, of: str) -> Parameter:
    """Return one that is a DNS-1123 subdomain; `of` says what has that form."""
    return matching(name, told, f"a DNS-1123 subdomain, the form of {of}", SUBDOMAIN, SUBDOMAIN_LENGTH)


def _nanoseconds(duration: str) -> Decimal:
    """Return how long a duration is, whichever its sign."""
    return sum((Decimal(number) * _UNITS[unit] for number, unit in _TERM.findall(duration)), Decimal())


def _is_time(value: str) -> bool:
    if not re.fullmatch(_TIME, value, re.ASCII):
        return False
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return True
