"""Mode passthrough: the apiserver decides, on the caller's own token and on nothing of ours."""

from pathlib import Path

import aiohttp
import pytest

from tests.apiserver.accounts import Accounts, rule
from tests.apiserver.serving import guarded
from tests.callers import Caller, assert_is_status
from tests.cluster.control_plane import ControlPlane
from tests.conftest import StartService
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import direct_jobs, job, jobs

pytestmark = pytest.mark.cluster

YAML = {"Content-Type": "application/yaml"}
READER = rule("get", "list", "watch")


async def test_a_callers_token_wins_although_the_service_has_a_certificate_of_an_admin(
    control_plane: ControlPlane,
    accounts: Accounts,
    start_service: StartService,
    http_client: aiohttp.ClientSession,
    namespace: str,
) -> None:
    certificate = control_plane.issue_client("somebody", "system:masters")
    kubeconfig = str(control_plane.kubeconfig_for("admins-certificate", client=certificate))
    url = await start_service(kubeconfig=kubeconfig, auth_mode="passthrough")
    nobody, reader = await accounts.new(), await accounts.new(READER)
    # Both connections are used before and after, so that neither can be taken for the other's.
    for _ in range(3):
        assert (await Caller(http_client, url, {})("GET", "/readyz")).status == 200
        status = assert_is_status(
            await Caller(http_client, url, nobody.headers)("GET", jobs(namespace)), 403, "Forbidden"
        )
        assert nobody.username in status["message"]
        assert (await Caller(http_client, url, reader.headers)("GET", jobs(namespace))).status == 200


@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no cache"])
async def test_a_token_that_is_none_is_unauthorized_by_the_apiserver_and_no_token_by_us(
    backend: Backend,
    accounts: Accounts,
    http_client: aiohttp.ClientSession,
    tmp_path: Path,
    namespace: str,
    cache: bool,
) -> None:
    async with guarded("passthrough", backend, accounts, http_client, tmp_path, cache=cache) as service:
        paths = [jobs(namespace), f"{jobs(namespace)}?resourceVersion=0", f"{jobs(namespace)}?watch=true"]
        for path in [*paths, job(namespace, "one"), f"{job(namespace, 'one')}/wait"]:
            for headers in ({}, {"Authorization": "Bearer not-a-token"}):
                asked = sum(len(each.sent) for each in service.proxy.connections)
                answer = await service.api("GET", path, None, headers)
                assert_is_status(answer, 401, "Unauthorized")
                assert answer.headers["WWW-Authenticate"] == "Bearer"
                if not headers and not cache:
                    assert sum(len(each.sent) for each in service.proxy.connections) == asked


async def test_the_apiservers_audit_log_would_see_the_caller(
    backend: Backend, accounts: Accounts, http_client: aiohttp.ClientSession, tmp_path: Path, namespace: str
) -> None:
    account = await accounts.new(rule("create", "get"))
    async with guarded("passthrough", backend, accounts, http_client, tmp_path) as service:
        created = await service(account, "POST", jobs(namespace), suspended("one"))
        assert created.status == 201
        sent = b"".join(bytes(each.sent) for each in service.proxy.connections)
        (post,) = [each for each in sent.split(b"POST ")[1:] if each.startswith(direct_jobs(namespace).encode())]
        assert f"Authorization: Bearer {account.token}\r\n".encode() in post


async def test_a_cached_answer_takes_a_right_and_is_then_a_hit(
    backend: Backend,
    accounts: Accounts,
    http_client: aiohttp.ClientSession,
    tmp_path: Path,
    direct: Caller,
    namespace: str,
) -> None:
    assert (await direct("POST", direct_jobs(namespace), suspended("one"), YAML)).status == 201
    nobody, reader = await accounts.new(), await accounts.new(READER)
    async with guarded("passthrough", backend, accounts, http_client, tmp_path, cache=True) as service:
        for path in (f"{jobs(namespace)}?resourceVersion=0", f"{job(namespace, 'one')}?resourceVersion=0"):
            hit = await service(reader, "GET", path)
            assert (hit.status, hit.headers["Cache-Status"]) == (200, "job-api; hit")
            assert_is_status(await service(nobody, "GET", path), 403, "Forbidden")


async def test_a_key_belongs_to_the_user_whom_the_apiserver_knows(
    backend: Backend, accounts: Accounts, http_client: aiohttp.ClientSession, tmp_path: Path, namespace: str
) -> None:
    first, second = await accounts.new(rule("create", "get")), await accounts.new(rule("create", "get"))
    key, body = {"Idempotency-Key": "one"}, suspended("one")
    async with guarded("passthrough", backend, accounts, http_client, tmp_path) as service:
        assert (await service(first, "POST", jobs(namespace), body, key)).status == 201
        replay = await service(first, "POST", jobs(namespace), body, key)
        assert (replay.status, replay.headers["Idempotency-Replayed"]) == (200, "true")
        assert_is_status(await service(second, "POST", jobs(namespace), body, key), 409, "AlreadyExists")
