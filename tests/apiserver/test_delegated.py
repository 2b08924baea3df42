"""Mode delegated, on the real apiserver's TokenReview, SubjectAccessReview and RBAC."""

from functools import partial
from pathlib import Path

import aiohttp
import pytest

from tests.apiserver.accounts import OWN_RULES, REVIEWER_RULES, Account, Accounts, rule
from tests.apiserver.serving import guarded
from tests.callers import Caller, assert_is_status
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import direct_jobs, job, jobs
from tests.faults.proxy import Fault
from tests.waiting import eventually_true

pytestmark = pytest.mark.cluster

YAML = {"Content-Type": "application/yaml"}
READER = rule("get", "list", "watch")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer not-a-token"},
        {"Authorization": "Bearer a b"},
        {"Authorization": "Basic YTpi"},
        {"X-Remote-User": "admin"},
        {"Cookie": "token=abc"},
    ],
    ids=str,
)
async def test_a_caller_without_a_token_that_is_accepted_is_unauthorized(
    backend: Backend,
    accounts: Accounts,
    http_client: aiohttp.ClientSession,
    tmp_path: Path,
    headers: dict[str, str],
) -> None:
    async with guarded("delegated", backend, accounts, http_client, tmp_path) as service:
        for method, path in (("GET", job("default", "one")), ("DELETE", job("a..b", "one")), ("POST", jobs("x"))):
            answer = await service.api(method, path, None, headers)
            assert_is_status(answer, 401, "Unauthorized")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        for path in ("/livez", "/readyz", "/healthz", "/version"):
            assert (await service.api("GET", path, None, headers)).status == 200


async def test_a_token_is_to_be_for_the_audience_that_was_set(
    backend: Backend, accounts: Accounts, http_client: aiohttp.ClientSession, tmp_path: Path, namespace: str
) -> None:
    account = await accounts.new(READER)
    ours = Account(account.namespace, account.name, await accounts.token_for(account.name, "job-api"))
    both = Account(account.namespace, account.name, await accounts.token_for(account.name, "other", "job-api"))
    others = Account(account.namespace, account.name, await accounts.token_for(account.name, "other"))
    async with guarded("delegated", backend, accounts, http_client, tmp_path, token_audience="job-api") as service:
        assert [(await service(each, "GET", jobs(namespace))).status for each in (ours, both)] == [200, 200]
        assert [(await service(each, "GET", jobs(namespace))).status for each in (others, account)] == [401, 401]
    async with guarded("delegated", backend, accounts, http_client, tmp_path) as service:
        assert [(await service(each, "GET", jobs(namespace))).status for each in (ours, account)] == [401, 200]


async def test_an_apiserver_that_cannot_be_asked_allows_nothing(
    backend: Backend, accounts: Accounts, http_client: aiohttp.ClientSession, tmp_path: Path, namespace: str
) -> None:
    account = await accounts.new(READER)
    paths = (jobs(namespace), f"{jobs(namespace)}?resourceVersion=0", f"{jobs(namespace)}?watch=true")
    async with guarded("delegated", backend, accounts, http_client, tmp_path, review_seconds=1.0) as service:
        service.proxy.fault = Fault(cut_after=0)
        for path in paths:
            assert_is_status(await service(account, "GET", path), 503, "ServiceUnavailable")
        service.proxy.fault = Fault(stall_after=0)
        for path in paths:
            assert_is_status(await service(account, "GET", path), 504, "Timeout")
        service.proxy.fault = Fault()
        assert (await service(account, "GET", paths[1])).status == 200


async def test_an_account_of_ours_that_may_not_review_is_told_what_it_lacks(
    backend: Backend, accounts: Accounts, http_client: aiohttp.ClientSession, tmp_path: Path, namespace: str
) -> None:
    own, account = await accounts.new(*OWN_RULES, everywhere=True), await accounts.new(READER)
    async with guarded("delegated", backend, accounts, http_client, tmp_path, own=own) as service:
        status = assert_is_status(await service(account, "GET", jobs(namespace)), 503, "ServiceUnavailable")
        assert "create tokenreviews.authentication.k8s.io" in status["message"]


async def test_a_right_that_is_taken_is_lost_after_the_stated_time_cached_or_not(
    backend: Backend, accounts: Accounts, http_client: aiohttp.ClientSession, tmp_path: Path, namespace: str
) -> None:
    account = await accounts.new()
    binding = await accounts.allow(account, READER)
    paths = (jobs(namespace), f"{jobs(namespace)}?resourceVersion=0")
    async with guarded("delegated", backend, accounts, http_client, tmp_path, allowed_cache_seconds=0.5) as service:
        for path in paths:
            assert (await service(account, "GET", path)).status == 200
        await accounts.delete(binding)
        for path in paths:
            await eventually_true(partial(is_answered, service.of(account), path, 403))


async def test_a_right_that_is_given_counts_after_the_stated_time(
    backend: Backend, accounts: Accounts, http_client: aiohttp.ClientSession, tmp_path: Path, namespace: str
) -> None:
    account = await accounts.new()
    async with guarded("delegated", backend, accounts, http_client, tmp_path, denied_cache_seconds=0.5) as service:
        assert_is_status(await service(account, "GET", jobs(namespace)), 403, "Forbidden")
        await accounts.allow(account, READER)
        await eventually_true(lambda: is_answered(service.of(account), jobs(namespace), 200))


async def test_reviews_are_remembered_and_shared(
    backend: Backend, accounts: Accounts, http_client: aiohttp.ClientSession, tmp_path: Path, namespace: str
) -> None:
    account = await accounts.new(READER)
    async with guarded("delegated", backend, accounts, http_client, tmp_path) as service:
        for _ in range(10):
            assert (await service(account, "GET", jobs(namespace))).status == 200
        for review in (b"POST /apis/authentication.k8s.io/v1/tokenreviews", b"POST /apis/authorization.k8s.io/"):
            assert sum(each.sent.count(review) for each in service.proxy.connections) == 1


async def test_a_caller_never_gets_the_services_rights_by_headers_that_name_somebody_else(
    backend: Backend, accounts: Accounts, http_client: aiohttp.ClientSession, tmp_path: Path, namespace: str
) -> None:
    nobody = await accounts.new()
    async with guarded("delegated", backend, accounts, http_client, tmp_path) as service:
        for headers in (
            {"X-Remote-User": "admin"},
            {"X-Forwarded-User": "admin", "X-Remote-Group": "system:masters"},
        ):
            answer = await service(nobody, "GET", jobs(namespace), None, headers)
            assert_is_status(answer, 403, "Forbidden")
        answer = await service(nobody, "GET", jobs(namespace), None, {"Impersonate-User": "admin"})
        assert_is_status(answer, 400, "BadRequest")


async def test_a_key_belongs_to_its_user_and_a_replay_takes_the_right_to_read(
    backend: Backend, accounts: Accounts, http_client: aiohttp.ClientSession, tmp_path: Path, namespace: str
) -> None:
    first, second = await accounts.new(rule("create", "get")), await accounts.new(rule("create", "get"))
    blind = await accounts.new(rule("create"))
    key, body = {"Idempotency-Key": "one"}, suspended("one")
    async with guarded("delegated", backend, accounts, http_client, tmp_path) as service:
        assert (await service(first, "POST", jobs(namespace), body, key)).status == 201
        replay = await service(first, "POST", jobs(namespace), body, key)
        assert (replay.status, replay.headers["Idempotency-Replayed"]) == (200, "true")
        assert_is_status(await service(second, "POST", jobs(namespace), body, key), 409, "AlreadyExists")
        other = suspended("two")
        assert (await service(blind, "POST", jobs(namespace), other, key)).status == 201
        assert_is_status(await service(blind, "POST", jobs(namespace), other, key), 403, "Forbidden")


async def test_the_audit_line_names_the_user_and_no_line_the_token(
    backend: Backend,
    accounts: Accounts,
    http_client: aiohttp.ClientSession,
    tmp_path: Path,
    namespace: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    account = await accounts.new(READER)
    caplog.set_level("DEBUG")
    async with guarded("delegated", backend, accounts, http_client, tmp_path) as service:
        await service(account, "GET", jobs(namespace))
        await service(account, "DELETE", job(namespace, "one"))
    lines = [line for line in caplog.text.splitlines() if "request_id" in line]
    assert [f"user='{account.username}'" in line for line in lines] == [True, True]
    assert account.token not in caplog.text


async def test_of_some_namespaces_only_those_are_served_and_watched(
    backend: Backend,
    accounts: Accounts,
    http_client: aiohttp.ClientSession,
    tmp_path: Path,
    direct: Caller,
    namespace: str,
) -> None:
    assert (await direct("POST", direct_jobs(namespace), suspended("one"), YAML)).status == 201
    own = await accounts.new(*OWN_RULES)
    await accounts.allow(own, *REVIEWER_RULES, everywhere=True)
    account = await accounts.new(READER, everywhere=True)
    async with guarded(
        "delegated", backend, accounts, http_client, tmp_path, own=own, namespaces=(namespace,)
    ) as service:
        cached = await service(account, "GET", f"{job(namespace, 'one')}?resourceVersion=0")
        assert (cached.status, cached.headers["Cache-Status"]) == (200, "job-api; hit")
        for path in (jobs("default"), "/api/v1/_raw/job", job("default", "one")):
            status = assert_is_status(await service(account, "GET", path), 403, "Forbidden")
            assert f"only: {namespace}" in status["message"]


async def is_answered(api: Caller, path: str, status: int) -> bool:
    return (await api("GET", path)).status == status
