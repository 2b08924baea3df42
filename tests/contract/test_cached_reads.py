"""Section 4 of the contract: reads that the cache answers are what the apiserver would have answered."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import pytest

from tests.callers import Answer, Caller, assert_is_status
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs, job, jobs
from tests.contract.served import Served, serving
from tests.contract.waiting import job_when

YAML = {"Content-Type": "application/yaml"}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.fixture
async def cached(backend: Backend, tmp_path: Path, http_client: aiohttp.ClientSession) -> AsyncIterator[Served]:
    """Return the service with its cache, which is in sync."""
    async with serving(backend, tmp_path, http_client, cache=True) as service:
        assert service.live.is_synced(None)
        yield service


async def created(cached: Served, direct: Caller, namespace: str, name: str) -> Any:
    """Create a Job that stays as it is, and return it once the cache has it so."""
    answer = await direct("POST", direct_jobs(namespace), suspended(name, f"{{name: {name}}}"), YAML)
    assert answer.status == 201, answer
    found = await job_when(direct, namespace, name, lambda each: bool(each["status"].get("conditions")))
    await cached.has(int(found["metadata"]["resourceVersion"]))
    return found


def is_hit(answer: Answer) -> bool:
    return answer.headers.get("Cache-Status") == "job-api; hit"


def assert_is_hit(answer: Answer, version: str) -> None:
    assert answer.status == 200, answer
    assert is_hit(answer)
    assert answer.headers["ETag"] == f'"{version}"'
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert int(answer.headers["Age"]) >= 0
    assert answer.headers["Content-Type"].partition(";")[0] == "application/json"
    assert answer.headers["Content-Length"] == str(len(answer.body))


def bare(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return items of a list without what those of the cache may have besides."""
    return [{key: each[key] for key in each if key not in {"kind", "apiVersion"}} for each in items]


async def test_a_read_of_any_version_or_of_one_not_older_is_answered_without_upstream(
    cached: Served, direct: Caller, namespace: str
) -> None:
    found = await created(cached, direct, namespace, "one")
    version = found["metadata"]["resourceVersion"]
    for asked in ("0", "1", version):
        one = await cached.api("GET", f"{job(namespace, 'one')}?resourceVersion={asked}")
        assert_is_hit(one, version)
        assert one.json == found
        for path in (jobs(namespace), "/api/v1/_raw/job"):
            several = await cached.api("GET", f"{path}?resourceVersion={asked}&resourceVersionMatch=NotOlderThan")
            assert_is_hit(several, several.json["metadata"]["resourceVersion"])
            assert int(several.json["metadata"]["resourceVersion"]) >= int(version)
            assert (several.json["kind"], several.json["apiVersion"]) == ("JobList", "batch/v1")
            items = [each for each in several.json["items"] if each["metadata"]["namespace"] == namespace]
            assert bare(items) == bare([found])
            head = await cached.api("HEAD", f"{path}?resourceVersion={asked}")
            assert (head.status, head.body, is_hit(head)) == (200, b"", True)
            assert "Content-Length" in head.headers
    assert cached.asked(direct_jobs(namespace)) == 0
    # Its list is the only one there was, and its watch.
    assert cached.asked("/apis/batch/v1/jobs?") == 1


async def test_who_has_the_same_already_is_answered_304_without_a_body(
    cached: Served, direct: Caller, namespace: str
) -> None:
    version = (await created(cached, direct, namespace, "one"))["metadata"]["resourceVersion"]
    path = f"{job(namespace, 'one')}?resourceVersion=0"
    for known in (f'"{version}"', f'W/"{version}"', f'"another", "{version}"', "*"):
        answer = await cached.api("GET", path, headers={"If-None-Match": known})
        assert (answer.status, answer.body) == (304, b""), known
        assert answer.headers["ETag"] == f'"{version}"'
        assert answer.headers["Vary"] == "Accept, Accept-Encoding"
        assert is_hit(answer)
    for other in ('"another"', '"1", "2"', f'"{version}0"', version, ""):
        assert (await cached.api("GET", path, headers={"If-None-Match": other})).status == 200, other
    path = f"{jobs(namespace)}?resourceVersion=0"
    # Other tests' namespaces may still be ending, which changes the version of every list.
    for _ in range(100):
        known = (await cached.api("GET", path)).headers["ETag"]
        answer = await cached.api("GET", path, headers={"If-None-Match": known})
        if answer.status == 304:
            break
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", known)
    assert (await cached.api("GET", path, headers={"If-None-Match": "*"})).status == 304


async def test_what_a_cache_cannot_answer_goes_upstream(cached: Served, direct: Caller, namespace: str) -> None:
    version = (await created(cached, direct, namespace, "one"))["metadata"]["resourceVersion"]
    await created(cached, direct, namespace, "two")
    token = quote((await direct("GET", f"{direct_jobs(namespace)}?limit=1")).json["metadata"]["continue"], safe="")
    lists = [
        ("", {}),
        ("resourceVersion=", {}),
        (f"resourceVersion={version}&resourceVersionMatch=Exact", {}),
        (f"resourceVersion={version}&limit=1", {}),
        (f"limit=1&continue={token}", {}),
        (f"resourceVersion=0&continue={token}", {}),
        ("resourceVersion=0&pretty=true", {}),
        ("resourceVersion=0&sendInitialEvents=true", {}),
        ("resourceVersion=0&resourceVersionMatch=Exact", {}),
        ("resourceVersion=0", {"Accept": "application/yaml"}),
        ("resourceVersion=0", {"Accept": f"{TABLE}, application/json"}),
        ("resourceVersion=0", {"Accept": "image/png"}),
    ]
    singles = [("", {}), ("resourceVersion=0&pretty=1", {}), ("resourceVersion=0", {"Accept": "application/yaml"})]
    paths = [(jobs(namespace), direct_jobs(namespace), lists)]
    paths.append((job(namespace, "one"), direct_job(namespace, "one"), singles))
    for path, direct_path, reads in paths:
        for query, headers in reads:
            before = cached.asked(direct_path)
            answer = await cached.api("GET", f"{path}?{query}", headers=headers)
            assert not is_hit(answer), query
            assert cached.asked(direct_path) == before + 1
            theirs = await direct("GET", f"{direct_path}?{query}", headers=headers)
            assert answer.status == theirs.status, query
            if "Table" not in headers.get("Accept", ""):  # which tells ages in seconds
                assert answer.body == theirs.body


async def test_a_limit_on_any_version_means_nothing(cached: Served, direct: Caller, namespace: str) -> None:
    for name in ("one", "two"):
        await created(cached, direct, namespace, name)
    answer = await cached.api("GET", f"{jobs(namespace)}?resourceVersion=0&limit=1")
    theirs = await direct("GET", f"{direct_jobs(namespace)}?resourceVersion=0&limit=1")
    assert is_hit(answer)
    assert "continue" not in answer.json["metadata"]
    assert bare(answer.json["items"]) == theirs.json["items"]
    assert len(answer.json["items"]) == 2


async def test_a_version_that_is_yet_to_come_is_the_apiservers_504(cached: Served, namespace: str) -> None:
    paths = (job(namespace, "one"), jobs(namespace), f"{jobs(namespace)}?labelSelector=a")
    future = [f"{path}{'&' if '?' in path else '?'}resourceVersion={2**62}" for path in paths]
    # All at once, for the apiserver waits for some seconds whether it comes.
    for answer in await asyncio.gather(*(cached.api("GET", path) for path in future)):
        status = assert_is_status(answer, 504, "Timeout")
        assert status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
        assert not is_hit(answer)


async def test_a_job_that_the_cache_does_not_have_is_the_apiservers_404(
    cached: Served, direct: Caller, namespace: str
) -> None:
    answer = await cached.api("GET", f"{job(namespace, 'none')}?resourceVersion=0")
    assert answer.body == (await direct("GET", f"{direct_job(namespace, 'none')}?resourceVersion=0")).body
    assert_is_status(answer, 404, "NotFound")


async def test_a_selector_that_is_none_is_refused_by_the_apiserver(
    cached: Served, direct: Caller, namespace: str
) -> None:
    for name, selector in (
        ("labelSelector", "=="),
        ("labelSelector", "a in (b"),
        ("labelSelector", "a>b"),
        ("labelSelector", "a>-8"),
        ("labelSelector", "-a=b"),
        ("fieldSelector", "spec.suspend=true"),
        ("fieldSelector", "a"),
    ):
        query = urlencode({name: selector, "resourceVersion": "0"})
        answer = await cached.api("GET", f"{jobs(namespace)}?{query}")
        assert_is_status(answer, 400, "BadRequest")
        assert answer.body == (await direct("GET", f"{direct_jobs(namespace)}?{query}")).body, selector


async def test_without_a_cache_every_read_goes_upstream(
    backend: Backend, direct: Caller, namespace: str, tmp_path: Path, http_client: aiohttp.ClientSession
) -> None:
    assert (await direct("POST", direct_jobs(namespace), suspended("one"), YAML)).status == 201
    async with serving(backend, tmp_path, http_client, cache=False) as uncached:
        for path in (job(namespace, "one"), jobs(namespace)):
            answer = await uncached.api("GET", f"{path}?resourceVersion=0", headers={"If-None-Match": "*"})
            assert answer.status == 200
            for name in ("Cache-Status", "ETag", "Age"):
                assert name not in answer.headers
        assert uncached.asked(direct_jobs(namespace)) == 2
        assert b"\ncache: off: " in (await uncached.api("GET", "/readyz?verbose")).body
