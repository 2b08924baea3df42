"""Kubernetes' own kinds are in the document as the apiserver has them, and as it and the sandbox answer."""

import json
import re
from typing import Any

import msgspec
import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.contract.manifests import ending
from tests.contract.paths import direct_job, direct_jobs
from tests.contract.waiting import job_when
from tests.openapi.kubernetes_schemas import NULLS, ROOTS, SCHEMAS, schemas_of, text_of
from tests.waiting import eventually_true

JSON = {"Content-Type": "application/json"}
KINDS = json.loads(SCHEMAS.read_text())
NO_CLAIM = {"kind": "PersistentVolumeClaim", "name": "one"}
# A Job with each of the nulls, and how it is answered.
LEFT_OUT: dict[str, Any] = {
    "suspend": True,
    "podFailurePolicy": {"rules": []},
    "template": {
        "spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "main", "image": "busybox"}],
            "volumes": [
                {"name": "projected", "projected": {}},
                {"name": "scale-io", "scaleIO": {"gateway": "one", "system": "one", "volumeName": "one"}},
                {
                    "name": "claimed",
                    "ephemeral": {
                        "volumeClaimTemplate": {
                            "spec": {
                                "accessModes": ["ReadWriteOnce"],
                                "resources": {"requests": {"storage": 1}},
                                "dataSource": NO_CLAIM,
                                "dataSourceRef": NO_CLAIM,
                            }
                        }
                    },
                },
            ],
        }
    },
}


def faults(kind: str, value: object) -> list[str]:
    """Return what is wrong with an object of a kind; nothing when it is valid."""
    schema = {"$ref": f"#/components/schemas/{kind}", "components": {"schemas": KINDS}}
    found = OAS31Validator(schema, format_checker=oas31_format_checker).iter_errors(value)
    return [f"{each.json_path}: {each.message}" for each in found]


def test_all_that_is_referred_to_is_there_and_no_more() -> None:
    referred = re.findall(r'"\$ref": "#/components/schemas/(\w+)"', SCHEMAS.read_text())
    assert {*referred, *(root.rpartition(".")[2] for root in ROOTS)} == {*KINDS}


def test_they_are_what_is_checked_and_none_describes_itself() -> None:
    job = {"spec": {"parallelism": "1", "template": {"spec": {"containers": [{}]}}}}
    assert sorted(faults("Job", job)) == [
        "$.spec.parallelism: '1' is not of type 'integer'",
        "$.spec.template.spec.containers[0]: 'name' is a required property",
    ]
    assert faults("ObjectMeta", {"creationTimestamp": "yesterday"})
    assert '"description"' not in SCHEMAS.read_text()


def test_a_kind_is_no_other_so_that_clients_tell_a_job_from_a_status() -> None:
    for kind in ("Job", "JobList", "Pod", "PodList", "Event", "EventList", "DeleteOptions", "Status"):
        assert KINDS[kind]["properties"]["kind"] == {"type": "string", "const": kind}
    assert faults("Job", {"kind": "Status"}) == ["$.kind: 'Job' was expected"]


async def test_a_job_that_has_run_its_pods_and_events_are_of_these_kinds(direct: Caller, namespace: str) -> None:
    created = await direct("POST", direct_jobs(namespace), ending("one", exit_code=1, backoffLimit=0), JSON)
    assert (created.status, faults("Job", created.json)) == (201, [])
    failed = await job_when(direct, namespace, "one", lambda job: "failed" in job["status"])
    assert not faults("Job", failed)

    async def is_told() -> bool:
        return b"BackoffLimitExceeded" in (await direct("GET", f"/api/v1/namespaces/{namespace}/events")).body

    await eventually_true(is_told)
    for kind, path in {
        "JobList": direct_jobs(namespace),
        "PodList": f"/api/v1/namespaces/{namespace}/pods",
        "EventList": f"/api/v1/namespaces/{namespace}/events",
    }.items():
        answer = await direct("GET", path)
        assert answer.json["items"], kind
        assert not faults(kind, answer.json)

    options = {"propagationPolicy": "Background", "preconditions": {"uid": failed["metadata"]["uid"]}}
    assert not faults("DeleteOptions", options)
    deleted = await direct("DELETE", direct_job(namespace, "one"), msgspec.json.encode(options), JSON)
    missing = await direct("GET", direct_job(namespace, "none"))
    invalid = await direct("POST", direct_jobs(namespace), b'{"metadata":{"name":"_"}}', JSON)
    assert (deleted.status, missing.status, invalid.status) == (200, 404, 422)
    for answer in (deleted, missing, invalid):
        assert not faults("Status", answer.json)


@pytest.mark.cluster
@pytest.mark.parametrize("real_backend", ["cluster"], indirect=True)
async def test_what_is_null_may_be(direct: Caller, namespace: str) -> None:
    manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "one"}, "spec": LEFT_OUT}
    created = await direct("POST", direct_jobs(namespace), msgspec.json.encode(manifest), JSON)
    assert created.status == 201, created
    assert set(re.findall(rb'"(\w+)":null', created.body)) == {field.encode() for _, field in NULLS}
    assert not faults("Job", created.json)


@pytest.mark.cluster
def test_they_are_those_of_the_apiserver(control_plane: ControlPlane) -> None:
    assert SCHEMAS.read_text() == text_of(schemas_of(control_plane)), (
        "run: python -m tests.openapi.kubernetes_schemas"
    )
