"""What the look sees of a manifest, and what it refuses, in JSON and in YAML."""

import json
from typing import Any

import pytest

from service.errors import BadRequest
from service.manifests import ManifestLook, look

YAML = "application/yaml"
JSON = "application/json"

HEAD = "apiVersion: batch/v1\nkind: Job\n"
JOB = HEAD + "metadata:\n  name: a\n"


def job(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}


def seen(text: str) -> ManifestLook:
    return look(text.encode(), "default")


def refusal(text: str | bytes) -> str:
    with pytest.raises(BadRequest) as refused:
        look(text.encode() if isinstance(text, str) else text, "default")
    return refused.value.message


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        (JOB, YAML),
        (json.dumps(job(name="a")), JSON),
        (" \t\r\n" + json.dumps(job(name="a"), indent=2) + "\n", JSON),
        ("{apiVersion: batch/v1, kind: Job, metadata: {name: a}}", YAML),
        (json.dumps(job(name="a")) + " # a comment", YAML),
        (json.dumps(job(name="a"))[:-1] + ",}", YAML),
        ("\ufeff" + JOB, YAML),
    ],
)
def test_a_json_object_is_json_and_anything_else_is_yaml(text: str, content_type: str) -> None:
    assert seen(text) == ManifestLook(content_type, "a", None)


@pytest.mark.parametrize(
    ("metadata", "name", "generate_name"),
    [
        ({"name": "a"}, "a", None),
        ({"generateName": "a-"}, None, "a-"),
        ({"name": "a", "generateName": "b-"}, "a", "b-"),
        ({"name": "", "generateName": "b-"}, None, "b-"),
        ({"name": None, "generateName": "b-"}, None, "b-"),
        ({"name": 123}, None, None),
        ({"name": True}, None, None),
        ({"name": ["a"]}, None, None),
        ({"name": {"a": "b"}}, None, None),
        ({"name": "123"}, "123", None),
        ({"name": "a", "namespace": "default"}, "a", None),
        ({"name": "a", "namespace": ""}, "a", None),
        ({"name": "a", "namespace": None}, "a", None),
        ({"name": "a", "namespace": 1}, "a", None),
        ({"labels": {"name": "c", "namespace": "d"}, "name": "a"}, "a", None),
    ],
)
def test_the_names_are_seen_alike_in_json_and_in_yaml(
    metadata: dict[str, Any], name: str | None, generate_name: str | None
) -> None:
    text = json.dumps(job(**metadata))
    assert seen(text) == ManifestLook(JSON, name, generate_name)
    assert seen("---\n" + text) == ManifestLook(YAML, name, generate_name)


@pytest.mark.parametrize(
    "text",
    [
        JOB + "---\n",
        JOB + "---\n# nothing more\n---\n",
        JOB + "...\n",
        "# a comment\n---\n" + JOB,
        "%YAML 1.1\n---\n" + JOB,
        "%TAG !e! tag:example.org,2000:\n---\n" + JOB + "spec: !e!x {}\n",
        JOB + 'spec: "\n' + "%TAG\n" * 200 + '"\n',
        JOB + "spec: {a: 1, a: 2}\nunknown: *nowhere\nkey: .nan\n",
        HEAD + "metadata: {name: b, name: a}\n",
        HEAD + "metadata: {name: b}\nmetadata: {name: a}\n",
        "kind: Pod\n" + JOB,
        '"\\u006bind": "J\\u006fb"\napiVersion: batch/v1\nmetadata: {"n\\u0061me": "\\x61"}\n',
    ],
)
def test_what_the_apiserver_reads_as_one_job_is_taken(text: str) -> None:
    assert seen(text) == ManifestLook(YAML, "a", None)


def test_escapes_in_json_are_undone_in_keys_and_values() -> None:
    text = r'{"apiVersion":"batch\/v1","\u006bind":"J\u006fb","metadata":{"n\u0061me":"\u0061"},"x":"\ud83d\ude00"}'
    assert seen(text) == ManifestLook(JSON, "a", None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x: &m {name: a}\n" + HEAD + "metadata: *m\n", None),
        ("x: &k Job\napiVersion: batch/v1\nkind: *k\nmetadata: {name: a}\n", "a"),
        ("x: &v batch/v1\napiVersion: *v\nkind: Job\nmetadata: {name: a}\n", "a"),
        ("x: &n a\n" + HEAD + "metadata: {name: *n}\n", None),
        ("x: &n default\n" + HEAD + "metadata: {name: a, namespace: *n}\n", "a"),
        ("x: &m {name: a}\n" + HEAD + "metadata: {<<: *m}\n", None),
        ("x: &m {name: a}\n" + HEAD + "metadata: {<<: *m, name: b}\n", "b"),
        ("x: &m {name: a}\n" + HEAD + "metadata: {name: b, <<: *m}\n", None),
        ("<<: {apiVersion: batch/v1, kind: Job, metadata: {name: a}}\n", None),
        ("x: &k kind\n*k : Job\napiVersion: batch/v1\nmetadata: {name: a}\n", "a"),
        ("x: &k kind\nmetadata: {name: a}\n*k : Job\napiVersion: batch/v1\n", None),
        (HEAD + "metadata: {!!str name: a}\n", None),
        (HEAD + "metadata: {name: !!str 1}\n", None),
        (HEAD + "metadata: {? [name] : a}\n", None),
        ("apiVersion: batch/v1\nkind: true\nmetadata: {name: a}\n", "a"),
        (HEAD + "metadata: {name: yes}\n", None),
        (HEAD + "metadata: {name: 012}\n", None),
        (HEAD + "metadata: a string\n", None),
        (HEAD + "metadata: [a]\n", None),
    ],
)
def test_what_cannot_be_seen_without_building_is_left_to_the_apiserver(text: str, name: str | None) -> None:
    assert seen(text) == ManifestLook(YAML, name, None)


MISSING_NAME = "metadata.name and metadata.generateName are missing: give one of them"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: \xff", "line 1, column 4: the body is not UTF-8"),
        ("a: 1\nü: ".encode() + b"\xc3(", "line 2, column 4: the body is not UTF-8"),
        ("a: 1".encode("utf-16"), "line 1, column 1: the body is not UTF-8"),
        ("a: [", "the body is not YAML: line 2, column 1: did not find expected node content"),
        (
            "a: 1\nb: 2: 3\n",
            "the body is not YAML: line 2, column 5: mapping values are not allowed in this context",
        ),
        ("a: ü\x00", "the body is not YAML: line 1, column 5: control characters are not allowed"),
        (JOB + "x: !%ff y\n", "the body is not YAML: line 5, column 5: found an incorrect leading UTF-8 octet"),
        (JOB + "x: !%ed%a0%80 y\n", "the body is not YAML: line 5, column 1: what follows cannot be read"),
        (
            JOB + "\ufeffx: y\n",
            "line 5, column 1: readers of YAML differ on a byte order mark (U+FEFF) here: leave it out",
        ),
        ("", "line 1, column 1: the body is empty"),
        ("# nothing\n", "line 1, column 1: the body is empty"),
        ("---\n", "line 1, column 1: the first document is empty, and no other one is read: leave it out"),
        (
            "---\n---\n" + JOB,
            "line 1, column 1: the first document is empty, and no other one is read: leave it out",
        ),
        (JOB + "---\na: 1\n", "line 5, column 1: a second document begins here; send one object a request"),
        (JOB + "---\nnull\n", "line 5, column 1: a second document begins here; send one object a request"),
        (
            JOB + "---\n" * 100,
            "line 104, column 1: the body has more than 100 documents; send one object a request",
        ),
        (
            "- a\n",
            "line 1, column 1: the body is not a mapping: "
            "send one Job as an object with apiVersion, kind and metadata",
        ),
        ("kind: Job\n", "line 1, column 1: apiVersion is missing: write apiVersion: batch/v1"),
        ("apiVersion: batch/v1\n", "line 1, column 1: kind is missing: write kind: Job"),
        ("apiVersion: batch/v1\nkind:\n", "line 2, column 6: kind is missing: write kind: Job"),
        (
            "apiVersion: v1\nkind: Job\n",
            'line 1, column 13: apiVersion is "v1", but only apiVersion: batch/v1 is taken here',
        ),
        (
            "apiVersion: batch/v1\nkind: CronJob\n",
            'line 2, column 7: kind is "CronJob", but only kind: Job is taken here',
        ),
        (HEAD + "kind: Pod\n", 'line 3, column 7: kind is "Pod", but only kind: Job is taken here'),
        (HEAD, "line 1, column 1: " + MISSING_NAME),
        (HEAD + "metadata:\n", "line 1, column 1: " + MISSING_NAME),
        (HEAD + "metadata: {}\n", "line 3, column 11: " + MISSING_NAME),
        (HEAD + 'metadata: {name: ""}\n', "line 3, column 11: " + MISSING_NAME),
        (
            JOB + "  namespace: other\n",
            'line 5, column 14: metadata.namespace is "other", but the request goes to namespace "default": '
            "leave it out or make them equal",
        ),
    ],
)
def test_what_is_no_single_job_for_the_namespace_is_refused_at_its_place(text: str | bytes, message: str) -> None:
    assert refusal(text) == message


def test_json_is_refused_at_its_place_too() -> None:
    text = json.dumps(job(name="a", namespace="other"), indent=2)
    assert refusal(text).startswith('line 6, column 18: metadata.namespace is "other"')


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_deeper_than_100_levels_is_refused_at_its_place(opening: str) -> None:
    closing = {"[": "]", '{"a":': "}"}[opening]
    inside = json.dumps(job(name="a"))[:-1] + ',\n"spec":' + opening * 99 + "%s" + closing * 99 + "}"
    assert seen(inside % "1").name == "a"
    column = 8 + len(opening) * 99
    assert refusal(inside % "[1]") == f"line 2, column {column}: the body is nested deeper than 100 levels"


def test_yaml_deeper_than_100_levels_is_refused_at_its_place() -> None:
    inside = JOB + "spec: " + "[" * 99 + "%s" + "]" * 99
    assert seen(inside % "a").name == "a"
    assert refusal(inside % "[a]") == "line 5, column 106: the body is nested deeper than 100 levels"


def test_more_than_100000_nodes_are_refused() -> None:
    inside = JOB + "spec: [%s]\n"
    others = 11
    assert seen(inside % ("a," * (100_000 - others))).name == "a"
    assert "more than 100000 nodes" in refusal(inside % ("a," * (100_001 - others)))


def test_more_than_1000_aliases_are_refused() -> None:
    inside = JOB + "anchor: &a 1\nspec: [%s]\n"
    assert seen(inside % ("*a," * 1000)).name == "a"
    assert "more than 1000 aliases" in refusal(inside % ("*a," * 1001))


def test_a_refusal_shows_neither_the_whole_of_a_value_nor_other_than_ascii() -> None:
    message = refusal("apiVersion: batch/v1\nkind: " + "ü\u2029" * 100_000)
    assert len(message) < 500
    assert message.isascii()
    assert "\n" not in message


@pytest.mark.parametrize(
    "text",
    ["spec: [echo, a:]", "spec: {a:}"],
    ids=str,
)
def test_a_colon_before_a_bracket_is_refused_though_the_apiserver_reads_it(text: str) -> None:
    # libyaml 0.2.5 refuses it as ambiguous; Go's port of it reads a scalar that ends in a colon.
    assert "found unexpected ':'" in refusal(JOB + text)
