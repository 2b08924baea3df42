"""What the strict reading reads, and what it refuses and how it says so."""

import json
from typing import Any

import pytest

from service.errors import BadRequest
from service.manifests import read_strictly


def refusal(text: str) -> str:
    with pytest.raises(BadRequest) as refused:
        read_strictly(text.encode())
    return refused.value.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "a: b\nc: [1, -2, 0, 1.5, .5, 1.5e+3, 6.02e-23]\n",
            {"a": "b", "c": [1, -2, 0, 1.5, 0.5, 1500.0, 6.02e-23]},
        ),
        ("[true, True, FALSE, null, ~, Null, ]", [True, True, False, None, None, None]),
        ("a:\nb: ''\n", {"a": None, "b": ""}),
        ('["yes", \'012\', "1e3", "null"]', ["yes", "012", "1e3", "null"]),
        ("!!str 012", "012"),
        ("a: |\n  x\n   y\nb: >-\n  x\n  y\n", {"a": "x\n y\n", "b": "x y"}),
        ("- - a\n  - b\n-\n  c: d\n", [["a", "b"], {"c": "d"}]),
        ("a: &a [x]\nb: *a\n", {"a": ["x"], "b": ["x"]}),
        ("a: &k x\n*k : 1\n", {"a": "x", "x": 1}),
        ("a: &a {x: 1}\nb: {<<: *a, z: 2}\n", {"a": {"x": 1}, "b": {"x": 1, "z": 2}}),
        ("a: &a {x: 1}\nb: {<<: [*a, {z: 2}]}\n", {"a": {"x": 1}, "b": {"x": 1, "z": 2}}),
        ("a: &a [&a [x], *a]\nb: *a\n", {"a": [["x"], ["x"]], "b": ["x"]}),
        ('{"<<": {"a": 1}}', {"<<": {"a": 1}}),
        ("a: [18446744073709551615, -9223372036854775808]", {"a": [2**64 - 1, -(2**63)]}),
    ],
)
def test_what_every_reader_reads_alike_is_read(text: str, value: Any) -> None:
    assert read_strictly(text.encode()) == value


@pytest.mark.parametrize(
    "text", ["10Gi", "500m", "5E", "1.2.3", "8080:80", "a:b", "x=y", "-x", "1h30m", "tRue", "a b"]
)
def test_a_scalar_that_is_a_string_to_every_reader_is_read_without_quotes(text: str) -> None:
    assert read_strictly(f"a: {text}".encode()) == {"a": text}


def test_json_is_read_as_json() -> None:
    text = '{"a": [1e5, 1E+2, -0.0, 0, 12345678901234567890, "\\ud83d\\ude00\\n", {}, [], true, null]}'
    assert read_strictly(text.encode()) == json.loads(text)


def test_an_alias_shares_its_value() -> None:
    value = read_strictly(b"a: &a {x: 1}\nb: *a\n")
    assert isinstance(value, dict)
    assert value["a"] is value["b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a:\n  b: 012",
            'line 2, column 6: readers of YAML differ on "012": quote it, or write true, false or a decimal number',
        ),
        ("a: 1\nb: 2\na: 3\n", 'line 3, column 1: the key "a" is given twice'),
        ('{"a": 1,\n "\\u0061": 3}', 'line 2, column 2: the key "a" is given twice'),
        ("a: {<<: {b: 1}, <<: {b: 1}}", 'line 1, column 17: the key "b" is given twice'),
        ("1: a", "line 1, column 1: the key is not a string: quote it"),
        ("? [a]\n: b", "line 1, column 3: the key is not a string: quote it"),
        ("a: !!int 1", 'line 1, column 4: the tag "tag:yaml.org,2002:int" is not taken: leave it out'),
        ("a: !!str {}", 'line 1, column 4: the tag "tag:yaml.org,2002:str" is not taken: leave it out'),
        ("a: *b", 'line 1, column 4: there is no anchor "b" before this alias'),
        ("a: &a [*a]", 'line 1, column 8: the value of anchor "a" contains itself'),
        ("a: {<<: 1}", "line 1, column 5: << merges a mapping or a list of mappings only"),
        ("a: &a [{b: 1}]\nc: {<<: *a}", "line 2, column 5: << merges a mapping or a list of mappings only"),
        (
            "a: 1" + "0" * 5000,
            f'line 1, column 4: the integer "1{"0" * 63}\\u2026" does not fit in 64 bits: '
            "quote it if it is a string",
        ),
        ('{"a": 1e999}', 'line 1, column 7: the number "1e999" is too large: quote it if it is a string'),
        ("a: 1.0e+999", 'line 1, column 4: the number "1.0e+999" is too large: quote it if it is a string'),
        ("a: 1\n---\nb: 1\n", "line 2, column 1: a second document begins here; send one object a request"),
    ],
)
def test_what_is_refused_is_named_with_its_place(text: str, message: str) -> None:
    assert refusal(text) == message


@pytest.mark.parametrize("text", ["0_x1F", "-_1", "+0o_7", "0b-1", "-.inf", ".NaN", "nan", "Infinity", "1_2:3_0"])
def test_a_scalar_that_is_a_number_only_to_the_apiserver_is_refused(text: str) -> None:
    assert "readers of YAML differ" in refusal(f"a: {text}")


@pytest.mark.parametrize("text", ["2001-12-14", "2002-13-45", "2001-02-30T99:99:99Z", "2001-12-14 21:59:43"])
def test_a_date_good_or_bad_is_a_string_as_json_has_no_dates(text: str) -> None:
    assert read_strictly(f"a: {text}".encode()) == {"a": text}


def test_the_text_that_aliases_stand_for_is_bounded() -> None:
    inside = "a: &a " + "x" * 1_000_000 + "\nb: [%s]"
    assert read_strictly((inside % "*a, *a").encode())
    assert "too large when its aliases are written out" in refusal(inside % "*a, *a, *a, *a")


def test_the_nodes_that_aliases_stand_for_are_bounded() -> None:
    inside = "a: &a [" + "x, " * 9_000 + "]\nb: [%s]"
    assert read_strictly((inside % "*a, *a, *a").encode())
    assert "too large when its aliases are written out" in refusal(inside % ("*a, " * 12))


def test_the_deepest_body_is_read_whatever_it_is_made_of() -> None:
    text = "&a {<<: " * 98 + "{k: [&a x]}" + "}" * 98
    assert read_strictly(text.encode()) == {"k": ["x"]}
