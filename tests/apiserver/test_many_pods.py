"""A Job of hundreds of pods: what it costs to ask for them and for their events."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.callers import Caller
from tests.conftest import Figure
from tests.contract.manifests import ending
from tests.contract.paths import direct_jobs, job
from tests.contract.waiting import pods_when
from tests.faults.proxy import FaultProxy
from tests.waiting import eventually_true

pytestmark = pytest.mark.cluster

PODS = 200
JSON = {"Content-Type": "application/json"}


async def test_they_cost_no_more_calls_than_pages(
    proxied_api: Caller, proxy: FaultProxy, direct: Caller, namespace: str, figure: Figure
) -> None:
    manifest = ending("one", seconds=3600, parallelism=PODS, completions=PODS)
    assert (await direct("POST", direct_jobs(namespace), manifest, JSON)).status == 201

    def run(found: list[Any]) -> bool:
        return [pod["status"]["phase"] for pod in found] == ["Running"] * PODS

    pods = await pods_when(direct, namespace, run)
    uids = {each["metadata"]["uid"] for each in pods}

    asked = 0

    async def tells_of_all() -> bool:
        nonlocal asked
        before = proxy.requests("GET")
        told = (await proxied_api("GET", job(namespace, "one") + "/event")).json["items"]
        asked = proxy.requests("GET") - before
        return uids <= {each["involvedObject"]["uid"] for each in told}

    await eventually_true(tells_of_all)
    assert asked <= 4, "the Job, its pods, and the events in at most two pages"
    found, token, before = [], "", proxy.requests("GET")
    while True:
        following = f"&continue={quote(token, safe='')}" if token else ""
        page = await proxied_api("GET", f"{job(namespace, 'one')}/pod?limit=70{following}")
        found += [each["metadata"]["name"] for each in page.json["items"]]
        token = page.json["metadata"].get("continue", "")
        if not token:
            break
    assert found == [each["metadata"]["name"] for each in pods]
    walked = proxy.requests("GET") - before
    assert walked == 6, "the Job and one page, three times"
    figure(f"{PODS} pods: {asked} calls upstream for their events, {walked} for three pages of the pods")
