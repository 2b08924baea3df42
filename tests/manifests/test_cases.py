"""Every case of what the apiserver's own reader makes of a text: ours makes the same of it, or refuses it.

tests/data/yaml-cases.json is the output of sigs.k8s.io/yaml, which the apiserver reads YAML with.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from service.errors import BadRequest
from service.manifests import read_strictly
from service.manifests.source import read

CASES = json.loads((Path(__file__).parent.parent / "data" / "yaml-cases.json").read_text())["cases"]

# Accepted by the apiserver's reader, refused by the strict reading. Nothing else that it accepts is.
READERS_DIFFER = """
    1e03 09 1_000 Y 0O12 1. yes on .1e3 no 0X1f 0x_F 1_ Inf <<  1.7976931348623157e308 1_e3 +12 -012 0O17
    685.230_15e+03 1e7 1e20 0:30 +012 0xFFFFFFFFFFFFFFFFFF -inf = Off 0b1_0 00 -0x1F 0e0 08 N ON y 12:30
    -0b11 0o777 1:30:00 012 _1 +Inf 1.e3 0778 n 0o12 YES 12e03 0x1F -1:30 1_0.5
"""
REFUSED = {f"a: {scalar}\n": "differ" for scalar in READERS_DIFFER.split()} | {
    "a: [yes, no, on, off]\n": "differ",
    '{"a": yes}\n': "differ",
    '{"a": NaN}\n': "differ",
    '{"a": Infinity}\n': "differ",
    '{"a": -Infinity}\n': "differ",
    '{"a": 1e5, "b": 0.10, "c": 012, "d": 1.0}\n': "differ",
    ".nan: 1\n": "differ",
    ".inf: 1\n": "differ",
    "yes: 1\n": "differ",
    "12:30: 1\n": "differ",
    "012: 1\n": "differ",
    "0x10: 1\n": "differ",
    "1e3: 1\n": "differ",
    "1: 1\n": "key is not a string",
    "1.0: 1\n": "key is not a string",
    "1: a\n01: b\n": "key is not a string",
    '1: a\n"1": b\n': "key is not a string",
    'true: a\n"true": b\n': "key is not a string",
    "a: 123456789012345678901234567890\n": "64 bits",
    "a: 18446744073709551616\n": "64 bits",
    '{"a": 100000000000000000000}\n': "64 bits",
    "a: &x {b: 1}\nc: {b: 2, <<: *x}\n": "given twice",
    "a: &x {b: 1}\nc: {<<: *x, b: 2}\n": "given twice",
    '{"a": true, "a": false}\n': "given twice",
    "a: !!float 3\n": "tag",
    'a: !!int "12"\n': "tag",
    'a: !!null ""\n': "tag",
    'a: !!bool "yes"\n': "tag",
    "a: !!binary aGVsbG8=\n": "tag",
    "a: !!timestamp 2001-12-14\n": "tag",
    "a: !!merge x\n": "tag",
    "a: !!python/object:os.system x\n": "tag",
    "a: !foo bar\n": "tag",
    "a: !foo {b: 1}\n": "tag",
    "%TAG ! tag:x,2000:\n---\na: !foo b\n": "tag",
    "---\n": "empty",
    "# only comment\n": "empty",
    "---\n---\na: 1\n": "empty",
    "---\na: 1\n---\nb: 2\n": "second document",
    '{"a": 1} {"b": 2}\n': "not YAML",
    '{"a": 1}\n{"b": 2}\n': "not YAML",
    "a: 1\n... junk\n": "not YAML",
}

# The apiserver's YAML reader ends with the first document, and never sees what is wrong after it.
NOT_YAML_BUT_TAKEN = {text for text, problem in REFUSED.items() if problem == "not YAML"}

# As JSON it goes to the apiserver's JSON reader, which does read surrogate escapes.
READ_AS_JSON = {'{"a": "\\ud83d\\ude00"}\n': {"a": "😀"}}


def same(ours: Any, theirs: Any) -> bool:
    """Tell whether two JSON values are the same. Go writes a float without its fraction where there is none."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, float) and type(theirs) in (int, float):
        return ours == float(theirs)
    return type(ours) is type(theirs) and bool(ours == theirs)


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["yaml"]))
def test_the_strict_reading_is_the_apiservers_or_a_refusal(case: dict[str, Any]) -> None:
    text = case["yaml"]
    if text in READ_AS_JSON:
        assert read_strictly(text.encode()) == READ_AS_JSON[text]
    elif case["ok"] and text not in REFUSED:
        assert same(read_strictly(text.encode()), json.loads(case["json"]))
    else:
        with pytest.raises(BadRequest, match=REFUSED.get(text)):
            read_strictly(text.encode())


@pytest.mark.parametrize("case", [case for case in CASES if case["ok"]], ids=lambda case: repr(case["yaml"]))
def test_what_the_apiserver_reads_is_yaml_to_the_look(case: dict[str, Any]) -> None:
    try:
        for _ in read(case["yaml"].encode()).events:
            pass
    except BadRequest as refused:
        assert ("is not YAML" in refused.message) is (case["yaml"] in NOT_YAML_BUT_TAKEN)  # noqa: PT017


def test_the_exceptions_are_cases() -> None:
    assert REFUSED.keys() <= {case["yaml"] for case in CASES if case["ok"]}
    assert all(case["yaml"] in REFUSED for case in CASES if case["ok"] and case["strict"])
