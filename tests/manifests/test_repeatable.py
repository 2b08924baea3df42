"""One value, one mark: however a manifest is spelt, and by whoever it is sent."""

import random
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.manifests import ANNOTATION, Mark, make_repeatable, read_mark

TEXTS = st.from_regex(r"[a-zé]{1,8}[0-9]", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


def manifest(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}


def mark(content: dict[str, Any], namespace: str = "default", username: str = "", key: str = "k") -> Mark:
    return make_repeatable(msgspec.json.encode(content), namespace, username, key).mark


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    if isinstance(value, dict):
        return {name: shuffled(value[name], chance) for name in chance.sample(sorted(value), len(value))}
    return value


@given(st.dictionaries(TEXTS, VALUES, max_size=4), st.randoms())
def test_only_name_and_mark_are_added_and_no_spelling_changes_the_mark(
    spec: dict[str, Any], chance: random.Random
) -> None:
    content = {**manifest(generateName="a-", annotations={"b": "c"}), "spec": spec}
    as_json = make_repeatable(msgspec.json.encode(content), "default", "", "k")
    other = shuffled(content, chance)
    text = yaml.dump(other, Dumper=yaml.CSafeDumper, allow_unicode=chance.random() < 0.5, sort_keys=False)
    assert make_repeatable(text.encode(), "default", "", "k") == as_json
    written = msgspec.json.decode(as_json.body)
    assert read_mark(written["metadata"]["annotations"].pop(ANNOTATION)) == as_json.mark
    assert written["metadata"].pop("name") == as_json.name
    assert written == content


@pytest.mark.parametrize(
    "scope",
    [
        {"content": manifest(name="b")},
        {"content": manifest(generateName="a")},
        {"content": manifest(name="a"), "namespace": "other"},
        {"content": manifest(name="a"), "username": "alice"},
        {"content": manifest(name="a"), "key": "other"},
    ],
)
def test_a_key_is_another_one_in_another_scope(scope: dict[str, Any]) -> None:
    assert mark(**scope).key != mark(manifest(name="a")).key


def test_a_change_of_the_value_is_a_change_of_the_body_alone() -> None:
    one, other = mark(manifest(name="a", labels={"b": "1"})), mark(manifest(name="a", labels={"b": "2"}))
    assert one.key == other.key
    assert one.body != other.body


def test_the_digests_stay_what_they_are_for_as_long_as_jobs_bear_them() -> None:
    made = make_repeatable(
        b'{"apiVersion":"batch/v1","kind":"Job","metadata":{"generateName":"a-"}}', "b", "c", "d"
    )
    assert made.name == "a-vltmxjcf5kru6avc"
    assert made.mark.key == "aae6cba445eaa34f02a2dc1238033febd62b2f5b19b06d10550479834f7458a7"
    assert made.mark.body == "ca6b3d8093e169c65dd1c21cab52571245c8cf1621ae2d3919c8dbfc09bc5bdb"
