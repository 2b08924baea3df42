"""What is wrong with an object's fields, and the Status that says it.

https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/util/validation/field/errors.go
"""

import json
from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from service.errors import ApiError

_WORDS = MappingProxyType(
    {
        "FieldValueRequired": "Required value",
        "FieldValueInvalid": "Invalid value",
        "FieldValueNotSupported": "Unsupported value",
        "FieldValueDuplicate": "Duplicate value",
        "FieldValueForbidden": "Forbidden",
        "FieldValueNotFound": "Not found",
        "FieldValueTooLong": "Too long",
        "FieldValueTooMany": "Too many",
    }
)
_HTML = MappingProxyType({ord(character): f"\\u{ord(character):04x}" for character in "<>&"})


class FieldErrors:
    """The errors found so far, in the order in which they are told.

    Attributes:
        causes: one for each, as `details.causes` has them.
    """

    def __init__(self) -> None:
        self.causes: list[dict[str, str]] = []

    def required(self, field: str, detail: str = "") -> None:
        """A field has to be given."""
        self._add("FieldValueRequired", field, None, detail)

    def invalid(self, field: str, value: Any, detail: str) -> None:
        """A value does not do."""
        self._add("FieldValueInvalid", field, _shown(value), detail)

    def invalid_each(self, field: str, value: Any, problems: Iterable[str]) -> None:
        """A value does not do, for several reasons."""
        for problem in problems:
            self.invalid(field, value, problem)

    def invalid_whole(self, field: str, detail: str) -> None:
        """A value does not do, and is not shown."""
        self._add("FieldValueInvalid", field, None, detail)

    def not_supported(self, field: str, value: str, supported: Sequence[str]) -> None:
        """A value is none of those that there are."""
        told = ", ".join(_quoted(each) for each in supported)
        self._add("FieldValueNotSupported", field, _as_json(value), f"supported values: {told}")

    def one_of(self, field: str, value: str, supported: Sequence[str]) -> None:
        """Add an error if a value is missing, or none of those that there are."""
        if not value:
            self.required(field)
        elif value not in supported:
            self.not_supported(field, value, supported)

    def duplicate(self, field: str, value: Any) -> None:
        """A value that has to be unique is not."""
        self._add("FieldValueDuplicate", field, _shown(value))

    def forbidden(self, field: str, detail: str) -> None:
        """A field may not be given here."""
        self._add("FieldValueForbidden", field, None, detail)

    def not_found(self, field: str, value: Any) -> None:
        """What a value names does not exist."""
        self._add("FieldValueNotFound", field, _shown(value))

    def too_long(self, field: str, most: int) -> None:
        """A value has too many bytes."""
        self._add("FieldValueTooLong", field, None, f"may not be more than {most} bytes")

    def too_many(self, field: str, count: int, most: int) -> None:
        """A list has too many items."""
        self._add("FieldValueTooMany", field, str(count), f"must have at most {most} items")

    def not_negative(self, field: str, number: int | None) -> None:
        """Add an error if a number is given and negative."""
        if number is not None and number < 0:
            self.invalid(field, number, "must be greater than or equal to 0")

    def raise_if_any(self, name: str) -> None:
        """Raise 422 Invalid for a Job's errors, if there are any."""
        if not self.causes:
            return
        told = list(dict.fromkeys(f"{cause['field']}: {cause['message']}" for cause in self.causes))
        what = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
        details = {**({"name": name} if name else {}), "group": "batch", "kind": "Job", "causes": self.causes}
        raise ApiError(f"Job.batch {_quoted(name)} is invalid: {what}", code=422, details=details)

    def _add(self, reason: str, field: str, value: str | None, detail: str = "") -> None:
        parts = (_WORDS[reason], value, detail or None)
        message = ": ".join(part for part in parts if part is not None)
        self.causes.append({"reason": reason, "message": message, "field": field})


def _shown(value: Any) -> str:
    return _quoted(value) if isinstance(value, str) else _as_json(value)


def _as_json(value: Any) -> str:
    """Return a value as Go writes it: its JSON is fit for HTML. So it shows the strings of named types, too."""
    return msgspec.json.encode(value).decode().translate(_HTML)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
