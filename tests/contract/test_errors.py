"""Section 2 of the contract: every error is a Status, on every path and for every cause."""

import pytest

from tests.callers import Answer, Caller, assert_is_status, raw_exchange
from tests.contract.manifests import SLEEP1
from tests.contract.paths import job, jobs
from tests.faults.proxy import FaultProxy

ALL = "/api/v1/_raw/job"
BAD_NAMESPACES = [
    "..", "%2e%2e", ".", "%2E", "a%2Fb", "..%2f..", "UPPER", "a_b", "a.b", "-a", "a-", "a" * 64,
    "%00", "a%0d%0aX-Evil:%201", "%20", "a%3Fb", "a%23b", "%ff", "ä", "a;b", "%252e%252e", "kube%2dsystem%0a",
]  # fmt: skip
BAD_NAMES = [name for name in BAD_NAMESPACES if name not in {"a.b", "a" * 64}] + ["a..b", "a.-b", "a" * 254]


async def test_bad_namespaces_are_400_and_never_travel(proxied_api: Caller, proxy: FaultProxy) -> None:
    for namespace in BAD_NAMESPACES:
        for method, path, body in (
            ("GET", jobs(namespace), None),
            ("POST", jobs(namespace), SLEEP1),
            ("GET", job(namespace, "a"), None),
            ("GET", job(namespace, "a") + "/pod", None),
            ("GET", job(namespace, "a") + "/event", None),
            ("DELETE", job(namespace, "a"), None),
        ):
            answer = await proxied_api(method, path.replace("ä", "%C3%A4"), body)
            assert "namespace" in assert_is_status(answer, 400, "BadRequest")["message"]
    assert proxy.connections == []


async def test_bad_names_are_400_and_never_travel(proxied_api: Caller, proxy: FaultProxy) -> None:
    for name in BAD_NAMES:
        for method, part in (("GET", ""), ("DELETE", ""), ("GET", "/pod"), ("GET", "/event")):
            answer = await proxied_api(method, job("default", name).replace("ä", "%C3%A4") + part)
            assert "name" in assert_is_status(answer, 400, "BadRequest")["message"]
    assert proxy.connections == []


@pytest.mark.parametrize(
    "path",
    [
        f"{ALL}/namespace/../name/a",
        f"{ALL}/namespace/%2e%2e/name/a",
        f"{ALL}/namespace/default/name/..",
        f"{ALL}/namespace/default/name/a/../../..",
    ],
)
async def test_dots_on_the_wire_lead_nowhere_else(proxied_api: Caller, proxy: FaultProxy, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = await raw_exchange(proxied_api.url, request.encode())
    assert answer.split(b" ")[1] in {b"400", b"404"}
    assert b'"kind":"Status"' in answer
    assert proxy.connections == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"{ALL}?foo=1", "foo"),
        (f"{ALL}?limit=1&limit=2", "limit"),
        (f"{ALL}?limit=ten", "limit"),
        (f"{ALL}?limit=", "limit"),
        (f"{ALL}?limit=9223372036854775808", "limit"),
        (f"{ALL}?resourceVersion=abc", "resourceVersion"),
        (f"{ALL}?resourceVersion=-1", "resourceVersion"),
        (f"{ALL}?resourceVersion=18446744073709551616", "resourceVersion"),
        (f"{ALL}?resourceVersionMatch=exact", "Exact"),
        (f"{ALL}?allowWatchBookmarks=yes", "allowWatchBookmarks"),
        (f"{ALL}?includeObject=all", "includeObject"),
        (f"{ALL}?watch=yes", "watch"),
        (f"{ALL}?labelSelector=%ff", "UTF-8"),
        (f"{ALL}?fieldSelector=a%00b", "fieldSelector"),
        (f"{ALL}?timeout=soon", "timeout"),
        (f"{job('default', 'a')}?resourceVersion=0&timeout=2562047h47m16.854775808s", "timeout"),
        (f"{ALL}?dryRun=All", "dryRun"),
        (f"{jobs('default')}?LIMIT=1", "LIMIT"),
        (f"{job('default', 'a')}?pretty=yes", "pretty"),
        (f"{job('default', 'a')}?resourceVersion=abc", "resourceVersion"),
        (f"{job('default', 'a')}?labelSelector=a", "labelSelector"),
        (f"{job('default', 'a')}/pod?watch=true", "watch"),
        (f"{job('default', 'a')}/pod?limit=ten", "limit"),
        (f"{job('default', 'a')}/event?limit=1", "limit"),
        ("/livez?verbose=maybe", "verbose"),
        ("/version?verbose", "verbose"),
    ],
)
async def test_a_parameter_that_is_unknown_or_unreadable_is_named(
    proxied_api: Caller, proxy: FaultProxy, path: str, told: str
) -> None:
    answer = await proxied_api("GET", path)
    assert told in assert_is_status(answer, 400, "BadRequest")["message"]
    assert proxy.connections == []


@pytest.mark.parametrize(
    "query", ["?fieldValidation=strict", "?dryRun=all", "?dryRun=", "?limit=1", "?dryRun=All&dryRun=All"]
)
async def test_parameters_of_create_are_checked_before_the_body(api: Caller, query: str) -> None:
    answer = await api("POST", jobs("default") + query, b"no Job at all")
    assert "query parameter" in assert_is_status(answer, 400, "BadRequest")["message"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", job("default", "a"), "GET, HEAD, DELETE"),
        ("PATCH", job("default", "a"), "GET, HEAD, DELETE"),
        ("POST", job("default", "a"), "GET, HEAD, DELETE"),
        ("OPTIONS", job("default", "a"), "GET, HEAD, DELETE"),
        ("DELETE", jobs("default"), "GET, HEAD, POST"),
        ("PUT", jobs("default"), "GET, HEAD, POST"),
        ("POST", job("default", "a") + "/pod", "GET, HEAD"),
        ("DELETE", job("default", "a") + "/event", "GET, HEAD"),
        ("POST", ALL, "GET, HEAD"),
        ("DELETE", ALL, "GET, HEAD"),
        ("POST", "/livez", "GET, HEAD"),
    ],
)
async def test_a_method_that_a_route_has_not_is_405_with_allow(
    api: Caller, method: str, path: str, allow: str
) -> None:
    answer = await api(method, path, b"{}")
    assert_is_status(answer, 405, "MethodNotAllowed")
    assert answer.headers["Allow"] == allow


@pytest.mark.parametrize(
    "path",
    ["/docs/", "/api", "/api/v1/_raw/job/", ALL + "/namespace", ALL + "/namespace/", jobs("a") + "/",
     job("a", ""), job("a", "b") + "/", job("a", "b") + "/status", "/api/v1/_raw/cronjob", "//", "/livez/ping"],
)  # fmt: skip
async def test_a_route_that_is_not_there_is_404(api: Caller, path: str) -> None:
    for method in ("GET", "POST", "DELETE", "PUT"):
        assert "route" in assert_is_status(await api(method, path), 404, "NotFound")["message"]


@pytest.mark.parametrize(
    ("request_bytes", "code"),
    [
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", 431),
        (b"GET /livez?" + b"x" * 300_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"NONSENSE\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (
            b"POST /livez HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nExpect: the-unexpected\r\nConnection: close\r\n\r\n", 417),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nExpect: \xff\r\nConnection: close\r\n\r\n", 400),
    ],
    ids=[
        "long header",
        "long URL",
        "many headers",
        "no HTTP",
        "TLS",
        "two lengths",
        "smuggling",
        "expect",
        "no text",
    ],
)
async def test_a_request_that_cannot_be_read_gets_a_status_too(
    api: Caller, request_bytes: bytes, code: int
) -> None:
    answer = await raw_exchange(api.url, request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split(b" ")[1]) == code, answer
    assert b'"kind":"Status"' in body
    assert b'"code":%d' % code in body
    assert b"x-request-id: " in head.lower()
    assert b"Server: job-api" in head


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-DEF_1.2", True), ("a" * 128, True), ("a" * 129, False), ("a b", False), ("ä", False), ("", False)],
)
async def test_a_request_id_is_kept_when_it_can_be(api: Caller, given: str, kept: bool) -> None:
    answer = await api("GET", "/nowhere", headers={"X-Request-Id": given})
    assert (answer.headers["X-Request-Id"] == given) is kept
    assert answer.headers["X-Request-Id"]


async def test_no_answer_lets_another_origin_read_it(api: Caller) -> None:
    answer: Answer = await api("GET", "/version", headers={"Origin": "https://example.com"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
