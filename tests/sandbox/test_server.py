"""The sandbox as an apiserver: it answers as a real one did, and says what it does not know."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from urllib.parse import quote

import aiohttp
import pytest

from service.sandbox.server import running
from service.sandbox.store import Limits, Object, Store
from tests.callers import Answer, Caller, assert_is_status
from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs
from tests.sandbox.server_answers import differences, of_the_sandbox, recorded

YAML = {"Content-Type": "application/yaml"}
JOBS = direct_jobs("default")


@pytest.fixture
def store() -> Store:
    return Store(Limits(objects=8, changes=100))


@pytest.fixture
async def sandbox(store: Store, http_client: aiohttp.ClientSession) -> AsyncIterator[Caller]:
    async with running(store) as url:
        yield Caller(http_client, url, {})


async def create(sandbox: Caller, *names: str) -> None:
    for name in names:
        assert (await sandbox("POST", JOBS, suspended(name), YAML)).status == 201


def names(answer: Object) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


async def test_it_answers_as_a_real_apiserver_did(http_client: aiohttp.ClientSession) -> None:
    assert not differences(recorded(), await of_the_sandbox(http_client))


async def test_pages_show_the_moment_of_the_first_one(sandbox: Caller) -> None:
    await create(sandbox, "a", "b", "c")
    first = (await sandbox("GET", f"{JOBS}?limit=1")).json
    assert first["metadata"]["remainingItemCount"] == 2
    await sandbox("DELETE", f"{JOBS}/b?propagationPolicy=Background")
    await create(sandbox, "bb")
    token = quote(first["metadata"]["continue"], safe="")
    rest = (await sandbox("GET", f"{JOBS}?continue={token}")).json
    assert names(rest) == ["b", "c"]
    assert rest["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}
    assert names((await sandbox("GET", JOBS)).json) == ["a", "bb", "c"]


async def test_a_moment_that_is_forgotten_is_410_with_a_token_that_goes_on(sandbox: Caller, store: Store) -> None:
    await create(sandbox, "a", "b", "c")
    first = (await sandbox("GET", f"{JOBS}?limit=1")).json["metadata"]
    event: Object = {"metadata": {"name": "p", "namespace": "other"}}
    event = store.create("events", event).decoded()
    for number in range(101):
        store.update("events", {**event, "count": number})
    expired = assert_is_410(await sandbox("GET", f"{JOBS}?limit=1&continue={first['continue']}"))
    assert names((await sandbox("GET", f"{JOBS}?continue={expired['continue']}")).json) == ["b", "c"]
    exactly = f"{JOBS}?resourceVersionMatch=Exact&resourceVersion={first['resourceVersion']}"
    assert assert_is_410(await sandbox("GET", exactly)) == {}


def assert_is_410(answer: Answer) -> dict[str, str]:
    status = answer.json
    assert (answer.status, status["code"], status["reason"]) == (410, 410, "Expired")
    metadata: dict[str, str] = status["metadata"]
    return metadata


async def test_a_list_of_all_namespaces_is_in_the_order_of_paths(sandbox: Caller) -> None:
    for namespace in ("a", "a-b"):
        manifest = suspended("x")
        assert (await sandbox("POST", direct_jobs(namespace), manifest, YAML)).status == 201
    found = (await sandbox("GET", "/apis/batch/v1/jobs")).json
    assert [item["metadata"]["namespace"] for item in found["items"]] == ["a-b", "a"]
    first = (await sandbox("GET", "/apis/batch/v1/jobs?limit=1")).json["metadata"]
    rest = (await sandbox("GET", f"/apis/batch/v1/jobs?continue={first['continue']}")).json
    assert [item["metadata"]["namespace"] for item in rest["items"]] == ["a"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/apis/apps/v1/deployments"),
        ("POST", "/api/v1/namespaces"),
        ("PUT", direct_job("default", "a")),
        ("PATCH", direct_job("default", "a")),
        ("DELETE", JOBS),
        ("POST", "/api/v1/namespaces/default/pods"),
        ("GET", "/api/v1/namespaces/default/pods/a/status"),
        ("GET", f"{direct_job('default', 'a')}/status"),
    ],
)
async def test_what_it_does_not_know_is_501_and_says_so(sandbox: Caller, method: str, path: str) -> None:
    status = assert_is_status(await sandbox(method, path, b"{}"), 501, "NotImplemented")
    assert status["message"].startswith("the sandbox does not know ")
    assert status["message"].endswith("a real cluster does")


async def test_a_full_store_is_429_and_says_how_many_there_may_be(sandbox: Caller, store: Store) -> None:
    number = 0
    while (answer := await sandbox("POST", JOBS, suspended(f"job-{number}"), YAML)).status == 201:
        number += 1
    status = assert_is_status(answer, 429, "TooManyRequests")
    assert "the sandbox holds at most" in status["message"]
    assert answer.headers["Retry-After"] == "1"
    assert len(store) == 8


async def test_a_large_answer_is_compressed_where_the_caller_takes_that(sandbox: Caller) -> None:
    big = suspended("big").replace(b"labels: {}", b"annotations: {filling: " + b"x" * 131_072 + b"}")
    assert (await sandbox("POST", JOBS, big, YAML)).status == 201
    plain = await sandbox("GET", f"{JOBS}/big")
    packed = await sandbox("GET", f"{JOBS}/big", headers={"Accept-Encoding": "br, gzip"})
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(packed.body) == plain.body
    assert "Vary" not in plain.headers


async def test_a_generated_name_is_generated_anew_for_each(sandbox: Caller) -> None:
    manifest = suspended("x").replace(b"name: x", b"generateName: made-")
    made = [(await sandbox("POST", JOBS, manifest, YAML)).json["metadata"]["name"] for _ in range(3)]
    assert len(set(made)) == 3


async def test_a_job_runs_to_its_end_and_is_deleted_with_its_pods(sandbox: Caller) -> None:
    manifest = suspended("one").replace(b"suspend: true", b"suspend: false")
    manifest = manifest.replace(b"image: busybox", b"image: busybox, command: [echo, hi]")
    assert (await sandbox("POST", JOBS, manifest, YAML)).status == 201
    async with asyncio.timeout(30):
        while (await sandbox("GET", f"{JOBS}/one")).json.get("status", {}).get("succeeded") != 1:
            await asyncio.sleep(0.02)
        pods = "/api/v1/namespaces/default/pods"
        table = (
            await sandbox("GET", pods, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"})
        ).json
        assert table["rows"][0]["cells"][1:4] == ["0/1", "Completed", "0"]
        deleted = await sandbox("DELETE", f"{JOBS}/one?propagationPolicy=Background")
        assert deleted.json["status"] == "Success"
        while (await sandbox("GET", pods)).json["items"]:
            await asyncio.sleep(0.02)
