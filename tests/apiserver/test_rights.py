"""The table of review attributes: each call takes exactly the rights that it is said to take, in every mode."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.access.rights import RIGHTS
from tests.apiserver.accounts import Account, Accounts, rule
from tests.apiserver.serving import Guarded, guarded
from tests.callers import Answer, Caller, assert_is_status
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs, job, jobs

pytestmark = pytest.mark.cluster

YAML = {"Content-Type": "application/yaml"}
ONE_ALONE = "fieldSelector=metadata.name%3Done"
# Section 1 of the contract: what a call takes; a verb alone is on Jobs. The first are about the one Job named.
NAMED = {
    "get": ({"get"}, "GET", "{job}"),
    "get from the cache": ({"get"}, "GET", "{job}?resourceVersion=0"),
    "head": ({"get"}, "HEAD", "{job}"),
    "delete": ({"delete"}, "DELETE", "{job}?dryRun=All"),
    "wait": ({"get", "watch"}, "GET", "{job}/wait?for=complete&timeoutSeconds=1"),
    "pods": ({"get", "list pods"}, "GET", "{job}/pod"),
    "events": ({"get", "list pods", "list events"}, "GET", "{job}/event"),
    "list one": ({"list"}, "GET", "{jobs}?" + ONE_ALONE),
    "list one from the cache": ({"list"}, "GET", "{jobs}?resourceVersion=0&" + ONE_ALONE),
    "watch one": ({"watch"}, "GET", "{jobs}?watch=true&timeoutSeconds=1&" + ONE_ALONE),
}
UNNAMED = {
    "create": ({"create"}, "POST", "{jobs}?dryRun=All"),
    "list": ({"list"}, "GET", "{jobs}"),
    "list from the cache": ({"list"}, "GET", "{jobs}?resourceVersion=0"),
    "list as a Table": ({"list"}, "GET", "{jobs}"),
    "watch": ({"watch"}, "GET", "{jobs}?watch=true&timeoutSeconds=1"),
    "watch events": ({"watch"}, "GET", "{jobs}?watch=true&timeoutSeconds=1"),
}
HEADERS = {
    "list as a Table": {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"},
    "watch events": {"Accept": "text/event-stream"},
}
EVERYWHERE = {
    "list all": ({"list"}, "GET", "/api/v1/_raw/job"),
    "watch all": ({"watch"}, "GET", "/api/v1/_raw/job?watch=true&timeoutSeconds=1"),
}
VERBS = ("get", "list", "watch", "create", "delete")
# Rights on what is not a Job, which no name limits.
OTHERS = ("list pods", "list events")
MODES = [("delegated", True), ("delegated", False), ("passthrough", True), ("passthrough", False)]


@pytest.fixture(params=MODES, ids=lambda mode: f"{mode[0]}, {'cache' if mode[1] else 'no cache'}")
async def service(
    request: pytest.FixtureRequest,
    backend: Backend,
    accounts: Accounts,
    http_client: aiohttp.ClientSession,
    tmp_path: Path,
) -> AsyncIterator[Guarded]:
    mode, cache = request.param
    async with guarded(mode, backend, accounts, http_client, tmp_path, cache=cache) as running:
        yield running


async def called(service: Guarded, account: Account, namespace: str, name: str, call: str) -> Answer:
    _, method, path = (NAMED | UNNAMED | EVERYWHERE)[call]
    target = path.format(job=job(namespace, name), jobs=jobs(namespace))
    return await service(
        account, method, target, suspended("new") if method == "POST" else None, HEADERS.get(call, {})
    )


def rules_for(rights: Iterable[str]) -> list[dict[str, Any]]:
    """Return RBAC rules for rights that are written as in the tables."""
    parted = [right.partition(" ") for right in rights]
    return [rule(verb, resources=[resource], group="") if resource else rule(verb) for verb, _, resource in parted]


def is_allowed(call: str, answer: Answer) -> bool:
    """Tell whether a call was let through; a wait that is, is not over in its second."""
    assert answer.status in ({504, 403} if call == "wait" else {200, 201, 403}), (call, answer)
    return answer.status != 403


def test_the_table_in_the_code_is_the_contracts() -> None:
    told = {
        call: [(right.verb, f"{right.resource.group}/{right.resource.rule}", right.names) for right in rights]
        for call, rights in RIGHTS.items()
    }
    get_job, list_pods = ("get", "batch/jobs", "job"), ("list", "/pods", "")
    get_log = ("get", "/pods/log", "pod")
    assert told == {
        "get": [get_job],
        "create": [("create", "batch/jobs", "")],
        "delete": [("delete", "batch/jobs", "job")],
        "list": [("list", "batch/jobs", "job")],
        "watch": [("watch", "batch/jobs", "job")],
        "wait": [get_job, ("watch", "batch/jobs", "job")],
        "pods": [get_job, list_pods],
        "events": [get_job, list_pods, ("list", "/events", "")],
        "log": [get_job, list_pods, get_log],
        "follow": [get_job, list_pods, ("watch", "/pods", ""), get_log],
    }


async def test_a_role_with_one_right_lets_through_the_calls_that_take_no_other(
    service: Guarded, accounts: Accounts, direct: Caller, namespace: str
) -> None:
    assert (await direct("POST", direct_jobs(namespace), suspended("one"), YAML)).status == 201
    calls = NAMED | UNNAMED
    for granted in ({right} for right in (*VERBS, *OTHERS)):
        account = await accounts.new(*rules_for(granted))
        answers = {call: await called(service, account, namespace, "one", call) for call in calls}
        assert {call for call in calls if is_allowed(call, answers[call])} == {
            call for call, (takes, *_) in calls.items() if takes <= granted
        }


@pytest.mark.parametrize("call", [call for call, (takes, *_) in NAMED.items() if len(takes) > 1])
async def test_a_call_that_takes_several_rights_takes_each_of_them(
    service: Guarded, accounts: Accounts, direct: Caller, namespace: str, call: str
) -> None:
    assert (await direct("POST", direct_jobs(namespace), suspended("one"), YAML)).status == 201
    takes = NAMED[call][0]
    account = await accounts.new(*rules_for(takes))
    assert is_allowed(call, await called(service, account, namespace, "one", call))
    for lacking in takes:
        account = await accounts.new(*rules_for({*VERBS, *OTHERS} - {lacking}))
        assert not is_allowed(call, await called(service, account, namespace, "one", call)), lacking


async def test_a_role_for_one_name_lets_through_what_is_about_that_name(
    service: Guarded, accounts: Accounts, direct: Caller, namespace: str
) -> None:
    for name in ("one", "two"):
        assert (await direct("POST", direct_jobs(namespace), suspended(name), YAML)).status == 201
    account = await accounts.new(rule(*VERBS, names=["one"]), *rules_for(OTHERS))
    for call in NAMED:
        assert is_allowed(call, await called(service, account, namespace, "one", call)), call
    for call in (each for each in NAMED if ONE_ALONE not in NAMED[each][2]):
        assert not is_allowed(call, await called(service, account, namespace, "two", call)), call
    for call in UNNAMED:
        assert not is_allowed(call, await called(service, account, namespace, "one", call)), call


async def test_what_is_about_all_namespaces_takes_rights_in_all(
    service: Guarded, accounts: Accounts, namespace: str
) -> None:
    in_one, in_all = await accounts.new(rule(*VERBS)), await accounts.new(rule(*VERBS), everywhere=True)
    for call in EVERYWHERE:
        assert not is_allowed(call, await called(service, in_one, namespace, "one", call)), call
        assert is_allowed(call, await called(service, in_all, namespace, "one", call)), call


async def test_rights_in_one_namespace_are_none_in_another_on_any_route_that_exists(
    service: Guarded, accounts: Accounts, direct: Caller, namespace: str
) -> None:
    account = await accounts.new(rule("*", resources=["*"], group="*"))
    routes = [route for route in service.app.router.routes() if route.resource]
    templates = {(route.method, route.resource.canonical) for route in routes if route.resource}
    guarded_ones = {(method, path) for method, path in templates if path.startswith("/api/")}
    open_ones = {path for _, path in templates - guarded_ones}
    assert open_ones == {
        "/livez",
        "/readyz",
        "/healthz",
        "/version",
        "/metrics",
        "/openapi.json",
        "/",
        "/docs",
        "/docs/{asset}",
    }
    for method, template in guarded_ones:
        path = template.replace("{namespace}", "default").replace("{name}", "one")
        for query in ("", "?resourceVersion=0", "?watch=true", "?timeoutSeconds=1"):
            asked = path + query
            answer = await service(account, method, asked, suspended("one") if method == "POST" else None)
            assert answer.status in {400, 403}, (method, asked, answer)
            if not query:
                assert answer.status == 403, (method, asked, answer)


@pytest.mark.parametrize("call", ["get", "delete", "list", "list one", "create", "watch", "list all"])
async def test_a_no_is_worded_as_the_apiserver_words_it(
    service: Guarded, accounts: Accounts, backend: Backend, namespace: str, call: str
) -> None:
    account = await accounts.new(rule("patch"))
    answer = await called(service, account, namespace, "one", call)
    _, method, path = (NAMED | UNNAMED | EVERYWHERE)[call]
    upstream = path.format(job=direct_job(namespace, "one"), jobs=direct_jobs(namespace))
    upstream = upstream.replace("/api/v1/_raw/job", "/apis/batch/v1/jobs")
    body = suspended("new") if method == "POST" else None
    headers = {**account.headers, **(YAML if body else {})}
    expected = await backend.caller(service.api.session)(method, upstream, body, headers)
    assert assert_is_status(answer, 403, "Forbidden") == assert_is_status(expected, 403, "Forbidden")


@pytest.mark.parametrize(
    ("call", "granted", "lacking"),
    [
        ("pods", [], direct_job("{}", "one")),
        ("pods", ["get"], "/api/v1/namespaces/{}/pods"),
        ("events", ["get"], "/api/v1/namespaces/{}/pods"),
        ("events", ["get", "list pods"], "/api/v1/namespaces/{}/events"),
    ],
)
async def test_a_no_names_the_first_right_that_lacks_as_the_apiserver_names_it(
    service: Guarded,
    accounts: Accounts,
    direct: Caller,
    namespace: str,
    call: str,
    granted: list[str],
    lacking: str,
) -> None:
    assert (await direct("POST", direct_jobs(namespace), suspended("one"), YAML)).status == 201
    account = await accounts.new(*rules_for(granted))
    answer = await called(service, account, namespace, "one", call)
    expected = await direct("GET", lacking.format(namespace), headers=account.headers)
    assert assert_is_status(answer, 403, "Forbidden") == assert_is_status(expected, 403, "Forbidden")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_an_edit_is_refused_before_anybody_is_asked_who_calls(service: Guarded, method: str) -> None:
    asked = len(service.proxy.connections)
    assert_is_status(await service.api(method, job("default", "one"), b"{}"), 405, "MethodNotAllowed")
    assert len(service.proxy.connections) == asked
