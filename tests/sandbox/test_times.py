"""The times of a query are read as Go reads them; what it refuses, tests/data/logs.json has its words for."""

from datetime import UTC, datetime

import pytest

from service.sandbox.http.times import instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T3:04:05.25Z", datetime(2026, 1, 2, 3, 4, 5, 250_000, tzinfo=UTC)),
        ("2026-01-02T03:04:05,1234567890123+02:30", datetime(2026, 1, 2, 0, 34, 5, 123_456, tzinfo=UTC)),
        ("2026-01-02T23:04:05-01:00", datetime(2026, 1, 3, 0, 4, 5, tzinfo=UTC)),
        ("0000-02-29T00:00:00Z", datetime.min.replace(tzinfo=UTC)),
        ("0001-01-01T00:00:00+01:00", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59-01:00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_time_is_read(text: str, expected: datetime) -> None:
    assert instant(text) == expected
