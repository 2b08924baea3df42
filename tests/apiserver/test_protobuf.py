"""Protobuf, which the service need not understand to relay it; the sandbox does not speak it."""

import pytest

from tests.callers import Caller
from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs, job, jobs
from tests.contract.waiting import at_rest

pytestmark = pytest.mark.cluster
PROTOBUF = {"Accept": "application/vnd.kubernetes.protobuf"}


async def test_every_answer_is_relayed_byte_for_byte(api: Caller, direct: Caller, namespace: str) -> None:
    created = await api("POST", jobs(namespace), suspended("one"), PROTOBUF)
    assert created.status == 201
    assert created.headers["Location"] == job(namespace, "one")
    await at_rest(direct, namespace, "one")
    version = (await direct("GET", direct_jobs(namespace))).json["metadata"]["resourceVersion"]
    exactly = f"?resourceVersionMatch=Exact&resourceVersion={version}"
    for path, direct_path, code in (
        (job(namespace, "one"), direct_job(namespace, "one"), 200),
        (jobs(namespace) + exactly, direct_jobs(namespace) + exactly, 200),
        (job(namespace, "none"), direct_job(namespace, "none"), 404),
    ):
        ours, theirs = await api("GET", path, headers=PROTOBUF), await direct("GET", direct_path, headers=PROTOBUF)
        assert ours.status == code
        assert ours.body == theirs.body
        assert ours.body.startswith(b"k8s\0")
        assert ours.headers["Content-Type"] == "application/vnd.kubernetes.protobuf"


async def test_a_409_in_protobuf_is_relayed_as_it_is(api: Caller, direct: Caller, namespace: str) -> None:
    assert (await api("POST", jobs(namespace), suspended("one"))).status == 201
    ours = await api("POST", jobs(namespace), suspended("one"), PROTOBUF)
    headers = {**PROTOBUF, "Content-Type": "application/yaml"}
    theirs = await direct("POST", direct_jobs(namespace), suspended("one"), headers)
    assert (ours.status, ours.body) == (409, theirs.body)
