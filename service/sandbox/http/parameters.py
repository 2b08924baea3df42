"""Query parameters as the apiserver decodes them: unknown ones are ignored, and of several the first counts."""

import re

from multidict import MultiMapping

from service.errors import BadRequest
from service.sandbox.errors import Refused

_SIGNED = re.compile(r"[-+]?[0-9]+", re.ASCII)
_UNSIGNED = re.compile(r"[0-9]+", re.ASCII)


def boolean(query: MultiMapping[str], name: str) -> bool | None:
    """Return a boolean; anything but 0 and false is true, and None is one that is not given."""
    value = query.get(name)
    return None if value is None else value != "0" and value.lower() != "false"


def int64(query: MultiMapping[str], name: str) -> int | None:
    """Return a number; None is one that is not given.

    Raises:
        BadRequest: it is none of 64 bit.
    """
    value = query.get(name)
    if value is None:
        return None
    if not _SIGNED.fullmatch(value):
        raise BadRequest(f'strconv.ParseInt: parsing "{value}": invalid syntax')
    if len(value) > 20 or not -(2**63) <= int(value) < 2**63:
        raise BadRequest(f'strconv.ParseInt: parsing "{value}": value out of range')
    return int(value)


def resource_version(value: str) -> int:
    """Return a resourceVersion as a number; the empty one is 0.

    Raises:
        Refused: it is none; the apiserver answers 500 to that on a get.
    """
    if not value:
        return 0
    problem = "invalid syntax" if not _UNSIGNED.fullmatch(value) else ""
    if not problem and (len(value) > 20 or int(value) >= 2**64):
        problem = "value out of range"
    if problem:
        told = f'resourceVersion: Invalid value: "{value}": strconv.ParseUint: parsing "{value}": {problem}'
        raise Refused(told, code=500, reason="")
    return int(value)
