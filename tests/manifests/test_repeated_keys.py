"""The reading that reports keys given twice, for a caller that may only want to warn of them."""

import pytest

from service.errors import BadRequest
from service.manifests import read_with_repeated_keys


def test_keys_given_twice_are_reported_with_their_line_and_the_last_one_counts() -> None:
    reading = read_with_repeated_keys(b"a: 1\nb:\n  c: 1\n  c: 2\na: {d: 3}\n")
    assert reading.value == {"a": {"d": 3}, "b": {"c": 2}}
    assert [(repeated.line, repeated.key) for repeated in reading.repeated_keys] == [(4, "c"), (5, "a")]
    assert isinstance(reading.value, dict)
    assert reading.repeated_keys[0].mapping is reading.value["b"]
    assert not reading.is_json


def test_json_is_known_as_json() -> None:
    reading = read_with_repeated_keys(b'{"a": 1, "a": 2}')
    assert (reading.value, reading.is_json, len(reading.repeated_keys)) == ({"a": 2}, True, 1)


def test_a_merge_that_gives_a_key_twice_is_refused() -> None:
    with pytest.raises(BadRequest, match="given twice"):
        read_with_repeated_keys(b"a: &a {x: 1}\nb: {x: 2, <<: *a}\n")
