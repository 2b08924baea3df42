"""Repetitions of a create that the apiserver refuses before it sees that the Job is there."""

import asyncio

import pytest

from tests.callers import Caller, assert_is_status
from tests.contract.manifests import suspended
from tests.contract.paths import job, jobs
from tests.waiting import WATCHDOG_SECONDS

pytestmark = pytest.mark.cluster

KEY = {"Idempotency-Key": "a-key"}
QUOTA = b'{"metadata":{"name":"one-job"},"spec":{"hard":{"count/jobs.batch":"1"}}}'


async def test_a_full_quota_refuses_a_new_job_and_not_the_repetition(
    api: Caller, direct: Caller, namespace: str
) -> None:
    created = await api("POST", jobs(namespace), suspended("one"), KEY)
    assert created.status == 201
    path = f"/api/v1/namespaces/{namespace}/resourcequotas"
    assert (await direct("POST", path, QUOTA, {"Content-Type": "application/json"})).status == 201
    async with asyncio.timeout(WATCHDOG_SECONDS):  # the quota holds once its controller has counted
        while (await api("POST", jobs(namespace) + "?dryRun=All", suspended("two"))).status != 403:
            await asyncio.sleep(0.1)

    for name, headers in (("one", {}), ("one", {"Idempotency-Key": "other"}), ("two", KEY)):
        refused = await api("POST", jobs(namespace), suspended(name), headers)
        assert "exceeded quota" in assert_is_status(refused, 403, "Forbidden")["message"]
    replayed = await api("POST", jobs(namespace), suspended("one"), KEY)
    assert (replayed.status, replayed.headers["Idempotency-Replayed"]) == (200, "true")
    assert replayed.headers["Location"] == job(namespace, "one")
    assert replayed.json["metadata"]["uid"] == created.json["metadata"]["uid"]
