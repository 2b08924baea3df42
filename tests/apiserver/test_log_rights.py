"""What it takes to read and to follow logs: each of the rights in the table, in every mode."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.apiserver.accounts import Account, Accounts, rule
from tests.apiserver.serving import Guarded, guarded
from tests.apiserver.test_rights import MODES, rules_for
from tests.callers import Caller, assert_is_status
from tests.contract.conftest import Backend
from tests.contract.logged import create, following, log, name_of, pods_in
from tests.contract.manifests import ending, suspended
from tests.contract.paths import direct_job, direct_jobs
from tests.contract.waiting import job_when
from tests.waiting import eventually, eventually_true

pytestmark = pytest.mark.cluster

YAML = {"Content-Type": "application/yaml"}
LOG = {"get", "list pods", "get pods/log"}
FOLLOW = LOG | {"watch pods"}
EVERYTHING = (*FOLLOW, "list", "watch", "create", "delete", "list events")
# The stated times, shortened.
HASTY: dict[str, Any] = {
    "identity_cache_seconds": 0.2,
    "allowed_cache_seconds": 0.2,
    "denied_cache_seconds": 0.1,
    "stream_review_seconds": 0.2,
}
in_every_mode = pytest.mark.parametrize(
    ("mode", "cache"), MODES, ids=[f"{mode}, {'cache' if cache else 'no cache'}" for mode, cache in MODES]
)


@pytest.fixture
async def service(
    mode: str,
    cache: bool,
    backend: Backend,
    accounts: Accounts,
    http_client: aiohttp.ClientSession,
    tmp_path: Path,
) -> AsyncIterator[Guarded]:
    async with guarded(mode, backend, accounts, http_client, tmp_path, cache=cache, **HASTY) as running:
        yield running


async def logged(direct: Caller, namespace: str, name: str = "one", **spec: Any) -> list[str]:
    """Create a Job, and return its pods' names once it is complete."""
    await create(direct, namespace, ending(name, **spec))
    await job_when(direct, namespace, name, lambda found: bool(found["status"].get("completionTime")))
    return [name_of(pod) for pod in await pods_in(direct, namespace, spec.get("completions", 1), "Succeeded")]


async def answered(service: Guarded, account: Account, path: str, code: int, text: str) -> None:
    """Ask until the answer is this one: the apiserver learns of new rights, one by one, a little later."""

    async def is_so() -> bool:
        answer = await service(account, "GET", path)
        return answer.status == code and text.encode() in answer.body

    await eventually_true(is_so)


@in_every_mode
async def test_each_right_is_needed(service: Guarded, accounts: Accounts, direct: Caller, namespace: str) -> None:
    (pod,) = await logged(direct, namespace)
    for takes, query in (
        (LOG, ""),
        (LOG, f"pod={pod}"),
        (FOLLOW, "follow=true"),
        (FOLLOW, f"follow=true&pod={pod}"),
    ):
        account, path = await accounts.new(*rules_for(takes)), log(namespace, "one", query)
        await answered(service, account, path, 200, "220")
        for lacking in takes:
            account = await accounts.new(*rules_for({*EVERYTHING} - {lacking}))
            verb, _, resource = lacking.partition(" ")
            await answered(service, account, path, 403, f'cannot {verb} resource \\"{resource or "jobs"}\\"')


@in_every_mode
async def test_the_log_of_one_pod_takes_the_right_to_that_one(
    service: Guarded, accounts: Accounts, direct: Caller, namespace: str
) -> None:
    one, two = await logged(direct, namespace, completions=2, parallelism=2)
    named = rule("get", resources=["pods/log"], names=[one], group="")
    account = await accounts.new(*rules_for(FOLLOW - {"get pods/log"}), named)
    for query in (f"pod={one}", f"follow=true&pod={one}"):
        await answered(service, account, log(namespace, "one", query), 200, "220")
    for query in (f"pod={two}", f"follow=true&pod={two}"):
        await answered(service, account, log(namespace, "one", query), 403, f'pods \\"{two}\\" is forbidden')


@in_every_mode
async def test_a_log_that_is_followed_ends_with_a_line_that_names_the_right_that_was_taken(
    service: Guarded, accounts: Accounts, direct: Caller, namespace: str
) -> None:
    await create(direct, namespace, ending("one", seconds=3600))
    await pods_in(direct, namespace, 1, "Running")
    account = await accounts.new(*rules_for(FOLLOW - {"get pods/log"}))
    binding = await accounts.allow(account, *rules_for({"get pods/log"}))
    await answered(service, account, log(namespace, "one"), 200, "220")
    async with following(service.of(account), namespace, "one") as followed:
        assert (await followed.line()).startswith(b"[pod/one-")
        await accounts.delete(binding)
        last = (await followed.rest()).splitlines()[-1]
        assert last.startswith(b"[job/one] -- ")
        assert b'cannot get resource "pods/log"' in last


@pytest.mark.parametrize(("mode", "cache"), [("passthrough", False)])
async def test_who_may_not_watch_the_job_still_hears_of_its_end(
    service: Guarded, accounts: Accounts, direct: Caller, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.api.observed_jobs._PAUSE_SECONDS", 0.1)
    assert (await direct("POST", direct_jobs(namespace), suspended("one"), YAML)).status == 201
    account = await accounts.new(*rules_for(FOLLOW))
    await answered(service, account, log(namespace, "one"), 404, "has no pods yet")
    asked = f"GET {direct_job(namespace, 'one')} ".encode()
    before = sum(each.sent.count(asked) for each in service.proxy.connections)
    following_it = asyncio.create_task(service(account, "GET", log(namespace, "one", "follow=true")))
    await eventually(lambda: sum(each.sent.count(asked) for each in service.proxy.connections) > before + 2)
    assert (await direct("DELETE", f"{direct_job(namespace, 'one')}?propagationPolicy=Background")).status == 200
    assert "is gone" in assert_is_status(await following_it, 404, "NotFound")["message"]
