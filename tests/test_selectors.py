"""Selectors: what they match, that they obey logic, and that nonsense raises nothing but their error."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.selectors import SelectorError, parse_field_selector, parse_label_selector

_KEYS = st.sampled_from(["a", "b", "example.com/c"])
_VALUES = st.sampled_from(["", "x", "y", "7", "in", "notin"])
_LABELS = st.dictionaries(_KEYS, _VALUES)


@pytest.mark.parametrize(
    ("selector", "labels", "matches"),
    [
        ("", {}, True),
        ("a=x", {"a": "x"}, True),
        ("a==x", {"a": "x"}, True),
        ("a=x", {}, False),
        ("a=", {"a": ""}, True),
        ("a=", {}, False),
        ("a!=x", {"a": "x"}, False),
        ("a!=x", {}, True),
        ("a in (x,y)", {"a": "y"}, True),
        ("a in (x,)", {"a": ""}, True),
        ("a in ()", {"a": ""}, True),
        ("a notin (x,y)", {"a": "x"}, False),
        ("a notin (x,y)", {}, True),
        ("a", {"a": ""}, True),
        ("a", {}, False),
        ("!a", {}, True),
        ("! a", {"a": "x"}, False),
        ("a>5", {"a": "6"}, True),
        ("a>5", {"a": "5"}, False),
        ("a>5", {"a": "six"}, False),
        ("a<5", {}, False),
        (" a = x , b ", {"a": "x", "b": "y"}, True),
        ("a=x,b", {"a": "x"}, False),
        ("in in (in),notin notin (in)", {"in": "in"}, True),
        ("example.com/c=x", {"example.com/c": "x"}, True),
    ],
)
def test_a_label_selector_matches_what_kubernetes_says(
    selector: str, labels: dict[str, str], matches: bool
) -> None:
    assert parse_label_selector(selector).matches(labels) is matches


@pytest.mark.parametrize(
    ("selector", "told"),
    [
        ("==", "found '==', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        (
            "a>b",
            'unable to parse requirement: values[0]: Invalid value: "b": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
    ],
)
def test_a_bad_label_selector_is_refused_in_the_apiservers_words(selector: str, told: str) -> None:
    with pytest.raises(SelectorError) as refused:
        parse_label_selector(selector)
    assert str(refused.value) == told


@given(st.text(alphabet="ab/.-_!=<>(), \t\0é7innot\\", max_size=30))
def test_any_text_is_a_selector_or_raises_its_error(text: str) -> None:
    for parse in (parse_label_selector, parse_field_selector):
        with suppress(SelectorError):
            parse(text)


@given(_KEYS, _VALUES, _LABELS)
def test_unequal_is_not_equal(key: str, value: str, labels: dict[str, str]) -> None:
    equal = parse_label_selector(f"{key}={value}").matches(labels)
    assert parse_label_selector(f"{key}!={value}").matches(labels) is not equal
    assert equal is (labels.get(key) == value)


@given(_KEYS, st.lists(_VALUES, min_size=1, max_size=4), _LABELS)
def test_notin_is_not_in_and_in_is_any_of_equals(key: str, values: list[str], labels: dict[str, str]) -> None:
    among = parse_label_selector(f"{key} in ({','.join(values)})").matches(labels)
    assert parse_label_selector(f"{key} notin ({','.join(values)})").matches(labels) is not among
    assert among is any(parse_label_selector(f"{key}={value}").matches(labels) for value in values)


@given(_KEYS, _LABELS)
def test_a_key_is_there_or_not(key: str, labels: dict[str, str]) -> None:
    assert parse_label_selector(key).matches(labels) is (key in labels)
    assert parse_label_selector(f"!{key}").matches(labels) is (key not in labels)


@given(st.lists(st.tuples(_KEYS, st.sampled_from(["=", "==", "!="]), _VALUES), max_size=4), _LABELS)
def test_a_comma_is_and(terms: list[tuple[str, str, str]], labels: dict[str, str]) -> None:
    each = ["".join(term) for term in terms]
    together = parse_label_selector(",".join(each)).matches(labels)
    assert together is all(parse_label_selector(term).matches(labels) for term in each)


def test_3000_values_are_read_and_matched() -> None:
    values = [f"some-long-value-{number}" for number in range(3000)]
    selector = parse_label_selector(f"a in ({','.join(values)})")
    assert selector.matches({"a": values[-1]})
    assert not selector.matches({"a": "another"})
    assert len(parse_label_selector(",".join(f"a!={value}" for value in values)).requirements) == 3000


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        (",", True),
        ("metadata.name=one", True),
        ("metadata.name==one,metadata.namespace!=other", True),
        ("metadata.name!=one", False),
        ("spec.nothing=", True),
        (r"reason=a\,b\=c\\d", True),
    ],
)
def test_a_field_selector_compares_fields(selector: str, matches: bool) -> None:
    fields = {"metadata.name": "one", "metadata.namespace": "default", "reason": r"a,b=c\d"}
    assert parse_field_selector(selector).matches(fields) is matches


@pytest.mark.parametrize(
    ("selector", "told"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        (r"a=b\c", r"invalid field selector: invalid escape sequence: \c"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_a_bad_field_selector_is_refused_in_the_apiservers_words(selector: str, told: str) -> None:
    with pytest.raises(SelectorError) as refused:
        parse_field_selector(selector)
    assert str(refused.value) == told
