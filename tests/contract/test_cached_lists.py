"""Section 4 of the contract: a cached list holds the same Jobs as the apiserver's own, in the same order."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.callers import Caller
from tests.contract.conftest import Backend
from tests.contract.manifests import ending, suspended
from tests.contract.paths import direct_jobs, jobs
from tests.contract.served import Served, serving
from tests.contract.test_cached_reads import bare, is_hit
from tests.waiting import WATCHDOG_SECONDS

YAML = {"Content-Type": "application/yaml"}
# Names around "-", ".", digits and letters, which sort differently with a slash behind them than alone.
NAMES = ["a", "a-b", "a.b", "a0", "aa", "b", "a-a-a", "a.a-a", "z-1", "z", "0", "10", "9"]
LABELS = [
    "{}",
    "{app: x}",
    "{app: w, size: '5'}",
    "{app: '', size: '6'}",
    "{size: '70'}",
    "{app: x, size: six}",
    "{example.com/tier: front, app: x}",
]
LABEL_SELECTORS = [
    "app", "!app", "app=x", "app==x", "app!=x", "app=", "app!=", "app in (x,w)", "app in (x,)", "app notin (x,w)",
    "app notin ()", "size>5", "size<6", "app=x,size", "app,!size", "example.com/tier=front",
    "example.com/tier in (front)", "app in (x),app notin (x)", " app = x , size ",
]  # fmt: skip
FIELD_SELECTORS = [
    "metadata.name=a", "metadata.name!=a", "metadata.name=a-b,metadata.name!=a", "metadata.name=none",
    "metadata.namespace={namespace}", "metadata.namespace!={namespace}", "status.successful=1",
    "status.successful=0", "status.successful!=1", "metadata.name=a,metadata.namespace={namespace}", ",",
]  # fmt: skip


@pytest.fixture
async def cached(backend: Backend, tmp_path: Path, http_client: aiohttp.ClientSession) -> AsyncIterator[Served]:
    """Return the service with its cache, which is in sync."""
    async with serving(backend, tmp_path, http_client, cache=True) as service:
        yield service


@pytest.fixture
async def other_namespace(namespace: str, direct: Caller, real_backend: Backend | None) -> AsyncIterator[str]:
    """Return a namespace whose Jobs come before those of `namespace`, though its name comes after."""
    name = f"{namespace}-b"
    if real_backend is not None:
        manifest = b'{"metadata":{"name":"%s"}}' % name.encode()
        created = await direct("POST", "/api/v1/namespaces", manifest, {"Content-Type": "application/json"})
        assert created.status == 201, created
    yield name
    if real_backend is not None:
        await direct("DELETE", f"/api/v1/namespaces/{name}")


async def create_all(direct: Caller, namespace: str) -> None:
    manifests = [suspended(f"'{name}'", LABELS[number % len(LABELS)]) for number, name in enumerate(NAMES)]
    made = (direct("POST", direct_jobs(namespace), each, YAML) for each in [*manifests, ending("ended")])
    assert {answer.status for answer in await asyncio.gather(*made)} == {201}


async def at_rest(direct: Caller, namespace: str) -> list[dict[str, Any]]:
    """Return a namespace's Jobs once each has said all that it will."""
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while True:
            items: list[dict[str, Any]] = (await direct("GET", direct_jobs(namespace))).json["items"]
            said = [{each["type"] for each in item["status"].get("conditions", ())} for item in items]
            if all(each & {"Suspended", "Complete"} for each in said):
                return items
            await asyncio.sleep(0.05)


async def test_every_selector_finds_what_the_apiserver_finds_in_its_order(
    cached: Served, direct: Caller, namespace: str, other_namespace: str
) -> None:
    both = {namespace, other_namespace}
    await asyncio.gather(*(create_all(direct, each) for each in both))
    items = [item for each in both for item in await at_rest(direct, each)]
    await cached.has(max(int(item["metadata"]["resourceVersion"]) for item in items))

    async def found(caller: Caller, path: str, query: str) -> list[dict[str, Any]]:
        answer = await caller("GET", f"{path}?{query}")
        assert answer.status == 200, answer
        assert is_hit(answer) is (caller is cached.api)
        # On the real control plane there are other tests' Jobs as well.
        return bare([each for each in answer.json["items"] if each["metadata"]["namespace"] in both])

    selectors = [("labelSelector", each) for each in ("", *LABEL_SELECTORS)]
    selectors += [("fieldSelector", each.format(namespace=namespace)) for each in FIELD_SELECTORS]
    seen = set()
    for name, selector in selectors:
        query = urlencode({name: selector, "resourceVersion": "0"})
        for path, direct_path in (
            (jobs(namespace), direct_jobs(namespace)),
            (jobs(other_namespace), direct_jobs(other_namespace)),
            ("/api/v1/_raw/job", "/apis/batch/v1/jobs"),
        ):
            ours, theirs = await asyncio.gather(found(cached.api, path, query), found(direct, direct_path, query))
            assert ours == theirs, (selector, path)
            seen.add(len(ours))
    assert 0 in seen
    assert len(items) in seen


async def test_label_and_field_selectors_hold_together(cached: Served, direct: Caller, namespace: str) -> None:
    await create_all(direct, namespace)
    items = await at_rest(direct, namespace)
    await cached.has(max(int(item["metadata"]["resourceVersion"]) for item in items))
    query = urlencode({"labelSelector": "app", "fieldSelector": "metadata.name!=a-b", "resourceVersion": "0"})
    ours = await cached.api("GET", f"{jobs(namespace)}?{query}")
    theirs = await direct("GET", f"{direct_jobs(namespace)}?{query}")
    assert is_hit(ours)
    assert bare(ours.json["items"]) == theirs.json["items"] != []
