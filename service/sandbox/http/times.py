"""Times as Go reads them, and refuses them: RFC 3339 (https://pkg.go.dev/time#Parse)."""

import calendar
import re
from datetime import UTC, datetime, timedelta

from service.errors import BadRequest

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_LAST_YEAR = 9999
_LAYOUT = "2006-01-02T15:04:05Z07:00"
# What stands in the layout, what it stands for, its name, and which values it may have.
_ELEMENTS = (
    ("2006", r"\d{4}", "year", range(_LAST_YEAR + 1)), ("-", "-", "", None),
    ("01", r"\d\d", "month", range(1, 13)), ("-", "-", "", None),
    ("02", r"\d\d", "day", None), ("T", "T", "", None),
    ("15", r"\d\d?", "hour", range(24)), (":", ":", "", None),
    ("04", r"\d\d", "minute", range(60)), (":", ":", "", None),
    ("05", r"\d\d", "second", range(60)),
)  # fmt: skip
_FRACTION = re.compile(r"[.,](\d+)", re.ASCII)
_ZONE = re.compile(r"Z|([-+])(\d\d):(\d\d)", re.ASCII)
_ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\"}


def instant(text: str) -> datetime:
    """Return a time in UTC; one before all times of Python is the first of these, and one after them the last.

    Raises:
        BadRequest: it is none, in Go's words.
    """
    numbers, rest = _clock_and_calendar(text)
    fraction = _FRACTION.match(rest)
    microseconds = int(fraction[1][:6].ljust(6, "0")) if fraction else 0
    rest = rest[fraction.end() :] if fraction else rest
    zone = _ZONE.match(rest)
    if zone is None:
        raise _unreadable(text, rest, "Z07:00")
    for name, number, most in (("hour", zone[2], 24), ("minute", zone[3], 60)):
        if int(number or 0) > most:
            raise BadRequest(f"parsing time {_quoted(text)}: time zone offset {name} out of range")
    if zone.end() < len(rest):
        raise BadRequest(f"parsing time {_quoted(text)}: extra text: {_quoted(rest[zone.end() :])}")
    offset = timedelta(hours=int(zone[2] or 0), minutes=int(zone[3] or 0))
    return _date(text, numbers, microseconds, -offset if zone[1] == "+" else offset)


def _clock_and_calendar(text: str) -> tuple[list[int], str]:
    """Return the numbers from the year to the second, and what follows."""
    numbers, rest = [], text
    for element, pattern, name, values in _ELEMENTS:
        found = re.compile(pattern, re.ASCII).match(rest)
        if found is None:
            raise _unreadable(text, rest, element)
        rest = rest[found.end() :]
        if not name:
            continue
        numbers.append(int(found[0]))
        if values is not None and numbers[-1] not in values:
            raise BadRequest(f"parsing time {_quoted(text)}: {name} out of range")
    return numbers, rest


def _date(text: str, numbers: list[int], microsecond: int, shift: timedelta) -> datetime:
    year, month, day, *clock = numbers
    # The days come again every 400 years, so that the year 0, which Python has not, has those of 2000.
    if not 1 <= day <= calendar.monthrange(year or 2000, month)[1]:
        raise BadRequest(f"parsing time {_quoted(text)}: day out of range")
    hour, minute, second = clock
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, UTC) + shift
    except (ValueError, OverflowError):
        return _LAST if year == _LAST_YEAR else _FIRST


def _unreadable(text: str, rest: str, element: str) -> BadRequest:
    return BadRequest(
        f"parsing time {_quoted(text)} as {_quoted(_LAYOUT)}: cannot parse {_quoted(rest)} as {_quoted(element)}"
    )


def _quoted(text: str) -> str:
    escaped = "".join(
        _ESCAPES.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in text.encode()
    )
    return f'"{escaped}"'
