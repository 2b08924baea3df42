"""The sandbox judges manifests as the apiserver that was asked for tests/data/admission.json did."""

import json
from typing import Any

import pytest

from service.errors import BadRequest
from service.sandbox.admission.admit import admit
from tests.sandbox.admission_answers import of_the_sandbox, recorded
from tests.sandbox.admission_table import CASES, Case

RECORDED = recorded()


def in_order(value: Any) -> str:
    """Return a value with the order of its keys, but for managedFields, whose order has no meaning."""
    return json.dumps({**value, "metadata": {**value["metadata"], "managedFields": []}})


def test_the_record_has_every_manifest_of_the_table() -> None:
    assert RECORDED.keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_a_manifest_is_answered_as_the_apiserver_did(name: str) -> None:
    answer = of_the_sandbox(CASES[name])
    assert answer == RECORDED[name]
    assert in_order(answer["body"]) == in_order(RECORDED[name]["body"])


def admitted(body: bytes) -> Any:
    return admit(body, namespace="default", field_validation="Strict", field_manager="test").job


def test_each_job_has_a_uid_and_a_generated_name_of_its_own() -> None:
    jobs = [admitted(CASES["a generated name"].body) for _ in range(20)]
    assert len({job["metadata"]["uid"] for job in jobs}) == len({job["metadata"]["name"] for job in jobs}) == 20


def test_a_scalar_that_readers_take_for_different_values_is_refused_where_it_stands() -> None:
    case = Case(CASES["YAML"].body + b"  suspend: yes\n")
    with pytest.raises(BadRequest, match=r"line 12, column 12: .*quote it"):
        admitted(case.body)


def test_nodes_named_by_aliases_are_each_written_out() -> None:
    text = CASES["YAML"].body.replace(b"name: one", b"name: one\n  labels: &l {a: b}\n  annotations: *l")
    job = admitted(text)
    assert job["metadata"]["annotations"] == {"a": "b"}
    assert job["metadata"]["labels"] is not job["metadata"]["annotations"]
