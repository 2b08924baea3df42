"""Watches and waits lose their stream when their caller loses its token or its right."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.apiserver.accounts import Account, Accounts, rule
from tests.apiserver.serving import Guarded, guarded
from tests.callers import Caller, assert_is_status
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import direct_jobs, job, jobs
from tests.faults.proxy import Fault
from tests.waiting import eventually

pytestmark = pytest.mark.cluster

YAML = {"Content-Type": "application/yaml"}
READER = rule("get", "list", "watch")
MODES = [("delegated", True), ("delegated", False), ("passthrough", True), ("passthrough", False)]
# The stated times, shortened.
HASTY: dict[str, Any] = {"identity_cache_seconds": 0.2, "allowed_cache_seconds": 0.2, "stream_review_seconds": 0.2}
both_modes = pytest.mark.parametrize(
    ("mode", "cache"), MODES, ids=[f"{mode}, {'cache' if cache else 'no cache'}" for mode, cache in MODES]
)


async def lines_of(service: Guarded, account: Account, namespace: str, began: asyncio.Event) -> list[bytes]:
    """Return the lines of a watch, once it has ended."""
    url = URL(f"{service.api.url}{jobs(namespace)}?watch=true&resourceVersion=0", encoded=True)
    async with service.api.session.get(url, headers=account.headers) as response:
        assert response.status == 200
        first = await response.content.readline()
        began.set()
        return [first, *(await response.content.read()).splitlines(keepends=True)]


# Ten seconds each: so long the apiserver itself remembers that a token is a good one.
@pytest.mark.parametrize(("mode", "cache"), [("delegated", True), ("passthrough", False)], ids=str)
async def test_a_token_that_is_revoked_loses_its_open_watch(
    backend: Backend,
    accounts: Accounts,
    http_client: aiohttp.ClientSession,
    tmp_path: Path,
    direct: Caller,
    namespace: str,
    mode: str,
    cache: bool,
) -> None:
    assert (await direct("POST", direct_jobs(namespace), suspended("one"), YAML)).status == 201
    account, began = await accounts.new(READER), asyncio.Event()
    async with guarded(mode, backend, accounts, http_client, tmp_path, cache=cache, **HASTY) as service:
        watching = asyncio.create_task(lines_of(service, account, namespace, began))
        await began.wait()
        await accounts.remove(account)
        *_, last = await watching
        assert last.startswith(b'{"type":"ERROR"'), last
        assert b'"code":401' in last


@both_modes
async def test_a_right_that_is_taken_ends_the_watches_and_waits_that_took_it(
    backend: Backend,
    accounts: Accounts,
    http_client: aiohttp.ClientSession,
    tmp_path: Path,
    direct: Caller,
    namespace: str,
    mode: str,
    cache: bool,
) -> None:
    assert (await direct("POST", direct_jobs(namespace), suspended("one"), YAML)).status == 201
    account, began = await accounts.new(), asyncio.Event()
    binding = await accounts.allow(account, READER)
    async with guarded(mode, backend, accounts, http_client, tmp_path, cache=cache, **HASTY) as service:
        path = f"{job(namespace, 'one')}/wait?for=complete&timeoutSeconds=3600"
        watching = asyncio.create_task(lines_of(service, account, namespace, began))
        waiting = asyncio.create_task(service(account, "GET", path))
        await began.wait()
        await accounts.delete(binding)
        *_, last = await watching
        assert last.startswith(b'{"type":"ERROR"'), last
        assert b'"code":403' in last
        assert_is_status(await waiting, 403, "Forbidden")


async def test_an_apiserver_that_cannot_be_asked_for_a_moment_ends_no_watch(
    backend: Backend,
    accounts: Accounts,
    http_client: aiohttp.ClientSession,
    tmp_path: Path,
    direct: Caller,
    namespace: str,
) -> None:
    assert (await direct("POST", direct_jobs(namespace), suspended("one"), YAML)).status == 201
    account, began = await accounts.new(READER), asyncio.Event()
    hasty = HASTY | {"stream_review_seconds": 1.0}
    async with guarded("delegated", backend, accounts, http_client, tmp_path, cache=True, **hasty) as service:
        watching = asyncio.create_task(lines_of(service, account, namespace, began))
        await began.wait()

        def reviews() -> int:
            return sum(each.sent.count(b"/tokenreviews") for each in service.proxy.connections)

        service.proxy.fault = Fault(cut_after=0)
        failed = reviews()
        await eventually(lambda: reviews() > failed)
        service.proxy.fault = Fault()
        answered = reviews()
        await eventually(lambda: reviews() > answered + 1)
        assert not watching.done()
        # Not for ever: what cannot be reviewed at all ends.
        service.proxy.fault = Fault(cut_after=0)
        *_, last = await watching
        assert b'"code":503' in last, last
