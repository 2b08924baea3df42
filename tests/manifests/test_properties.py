"""Whatever bytes come in, both readers answer or raise BadRequest; and what JSON says is what is read."""

import json
import math
from contextlib import suppress
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.errors import BadRequest
from service.manifests import ManifestLook, look, read_strictly

PIECES = [
    *(
        "a",
        "b",
        "1",
        "0x1F",
        "1e3",
        "12:30",
        "true",
        "null",
        "~",
        ".nan",
        "=",
        "2001-12-14",
        "é",
        "\ufeff",
        "\u2028",
    ),
    *(
        "- ",
        ": ",
        ":",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ",",
        "&a ",
        "*a",
        "*a ",
        "<<: ",
        "<<: *a\n",
        "!!str ",
        "!x ",
    ),
    *('"', "'", "\\", "\\n", "\\ud83d", "|\n", ">-\n", "\n", "\n  ", "\n    ", "\r\n", "\t", " #", "%", "@", "`"),
    *(
        "---\n",
        "...\n",
        "%TAG ! x\n",
        "apiVersion: batch/v1\n",
        "kind: Job\n",
        "metadata: ",
        "name: a\n",
        '"kind":',
    ),
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
JSON_OBJECTS = st.dictionaries(TEXTS, JSON_VALUES, max_size=4)
NAMES = st.from_regex(r"job-[a-z0-9]{1,9}", fullmatch=True)


def read_both(body: bytes) -> None:
    with suppress(BadRequest):
        look(body, "default")
    with suppress(BadRequest):
        json.dumps(read_strictly(body), allow_nan=False).encode()


@settings(max_examples=200, deadline=None)
@given(st.binary())
@example(b"\xff\xfea\x00")
@example(b"\xef\xbb\xbf\xef\xbb\xbf{}")
@example(b'{"a": "\\ud800"}')
@example(b'{"\\ud800": 1}')
def test_no_bytes_raise_anything_but_bad_request(body: bytes) -> None:
    read_both(body)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_no_text_of_yaml_indicators_raises_anything_but_bad_request(text: str) -> None:
    read_both(text.encode())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_no_broken_json_raises_anything_but_bad_request(text: str) -> None:
    read_both(b'{"kind": ' + text.encode() + b"}")


@settings(max_examples=100, deadline=None)
@given(JSON_OBJECTS, st.sampled_from([None, 2]), st.booleans())
def test_a_json_object_is_read_back_equal(value: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert read_strictly(body) == value


@settings(max_examples=200, deadline=None)
@given(JSON_VALUES)
def test_a_value_in_yaml_is_read_back_equal_or_refused(value: Any) -> None:
    text = yaml.dump(value, Dumper=yaml.CSafeDumper, allow_unicode=True)
    with suppress(BadRequest):
        assert read_strictly(text.encode()) == value


@settings(max_examples=100, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**64 - 1))
def test_a_number_is_read_with_its_sign_and_all_its_digits(number: float, integer: int) -> None:
    value = read_strictly(json.dumps({"float": number, "integer": integer}).encode())
    assert isinstance(value, dict)
    assert value == {"float": number, "integer": integer}
    assert isinstance(value["float"], float)
    assert math.copysign(1, value["float"]) == math.copysign(1, number)


@settings(max_examples=50, deadline=None)
@given(NAMES, JSON_OBJECTS)
def test_a_jobs_name_is_seen_whatever_else_the_manifest_says(name: str, others: dict[str, Any]) -> None:
    manifest = others | {"kind": "Job", "apiVersion": "batch/v1", "metadata": {"labels": others, "name": name}}
    assert look(json.dumps(manifest).encode(), "default") == ManifestLook("application/json", name, None)
    text = yaml.dump(manifest, Dumper=yaml.CSafeDumper, sort_keys=False)
    assert look(text.encode(), "default") == ManifestLook("application/yaml", name, None)
