"""What a scalar without quotes means: in JSON by its grammar, in YAML where every reader agrees."""

import math
import re
from types import MappingProxyType

from service.manifests.events import shown

Scalar = str | int | float | bool | None

# What YAML 1.1 and 1.2 share; https://yaml.org/type/bool.html and null.html have the whole of YAML 1.1.
_CONSTANTS: MappingProxyType[str, bool | None] = MappingProxyType(
    dict.fromkeys(("", "~", "null", "Null", "NULL"), None)
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
)
_AMBIGUOUS = frozenset(
    ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF", "=", "<<")
)

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(?:(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][-+][0-9]+)?|0|[1-9][0-9]*)")

# Numbers to one reader or another. The apiserver's drops underscores before it looks, and takes a sign
# after a base's prefix: https://github.com/kubernetes-sigs/yaml/blob/v1.6.0/goyaml.v2/resolve.go
_NUMERIC = re.compile(
    r"""
    [-+]? (?: [0-9]+ (?:\.[0-9]*)? | \.[0-9]+ ) (?: [eE] [-+]? [0-9]+ )?  # 012, +1, 1., 1e3
    | [-+]? 0 (?: [bB] [-+]? [01]+ | [oO] [-+]? [0-7]+ | [xX] [-+]? [0-9a-fA-F]+ )
    | [-+]? [0-9]+ : [0-5]? [0-9] (?![0-9]) [0-9:.]*  # 12:30 is 750 in YAML 1.1
    | [-+]? \.? (?i: inf | infinity | nan )
    """,
    re.VERBOSE,
)

_LONGEST_INTEGER = len("-18446744073709551615")


def read_json_literal(text: str) -> Scalar:
    """Return the value of a JSON number, true, false or null.

    Raises:
        ValueError: a number is out of range; the message says so in words for the caller.
    """
    return _CONSTANTS[text] if text in _CONSTANTS else _number(text)


def read_plain_scalar(text: str) -> Scalar:
    """Return the value of a YAML scalar without quotes and tag. A date is a string, for JSON has no dates.

    Raises:
        ValueError: readers of YAML differ on it, or a number is out of range; the message says so in
            words for the caller.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _DECIMAL.fullmatch(text):
        return _number(text)
    if text in _AMBIGUOUS or _NUMERIC.fullmatch(text.replace("_", "")):
        raise ValueError(
            f"readers of YAML differ on {shown(text)}: quote it, or write true, false or a decimal number"
        )
    return text


def _number(text: str) -> int | float:
    if not _INTEGER.fullmatch(text):
        value = float(text)
        if math.isinf(value):
            raise ValueError(f"the number {shown(text)} is too large: quote it if it is a string")
        return value
    if len(text) <= _LONGEST_INTEGER and -(2**63) <= int(text) < 2**64:
        return int(text)
    raise ValueError(f"the integer {shown(text)} does not fit in 64 bits: quote it if it is a string")
