"""Section 1 of the contract, get and list; section 4, as far as no cache is involved."""

import gzip
from urllib.parse import quote

import pytest
import yaml

from tests.callers import Answer, Caller, assert_is_status
from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs, job, jobs
from tests.contract.waiting import at_rest
from tests.faults.proxy import FaultProxy

YAML = {"Content-Type": "application/yaml"}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
ACCEPTS = [
    "application/json",
    "application/yaml",
    TABLE,
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    f"{TABLE}, application/json",
    "*/*",
]
RELAYED = ("Content-Type", "Content-Encoding", "Vary", "Cache-Control", "Warning")


async def create(direct: Caller, namespace: str, *names: str) -> None:
    for name in names:
        created = await direct("POST", direct_jobs(namespace), suspended(name, f"{{name: {name}}}"), YAML)
        assert created.status == 201, created
    for name in names:
        await at_rest(direct, namespace, name)


def assert_same(ours: Answer, theirs: Answer) -> None:
    assert ours.body == theirs.body
    assert ours.status == theirs.status
    for name in RELAYED:
        assert ours.headers.getall(name, []) == theirs.headers.getall(name, []), name
    # The apiserver does not say how long a body of more than 2 kB is; where it was held whole, we do.
    assert ours.headers.get("Content-Length") in {theirs.headers.get("Content-Length"), str(len(ours.body))}
    assert "Audit-Id" in ours.headers


async def assert_answered_alike(
    api: Caller, direct: Caller, path: str, direct_path: str, headers: dict[str, str]
) -> None:
    """Check that the service's answer is the apiserver's own of just before, or of just after.

    A Table tells ages in seconds, and a second may pass between two answers.
    """
    before = await direct("GET", direct_path, headers=headers)
    ours = await api("GET", path, headers=headers)
    after = await direct("GET", direct_path, headers=headers)
    assert ours.status == 200
    assert_same(ours, before if ours.body == before.body else after)


@pytest.mark.parametrize("accept", ACCEPTS)
async def test_get_answers_with_the_bytes_of_the_apiserver(
    api: Caller, direct: Caller, namespace: str, accept: str
) -> None:
    await create(direct, namespace, "one")
    asked = job(namespace, "one"), direct_job(namespace, "one")
    await assert_answered_alike(api, direct, *asked, {"Accept": accept})


async def test_get_without_accept_is_the_raw_job(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "one")
    ours = await api("GET", job(namespace, "one"))
    assert_same(ours, await direct("GET", direct_job(namespace, "one")))
    assert (ours.json["kind"], ours.json["apiVersion"]) == ("Job", "batch/v1")
    assert ours.json["metadata"]["name"] == "one"


async def test_get_passes_its_parameters_on(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "one")
    for parameters in ("?pretty=true", "?resourceVersion=0&pretty=1", "?resourceVersion=1&pretty=1", "?timeout=9s"):
        ours = await api("GET", job(namespace, "one") + parameters)
        assert_same(ours, await direct("GET", direct_job(namespace, "one") + parameters))
        assert ours.status == 200


async def test_a_job_that_is_not_there_is_the_apiservers_404(api: Caller, direct: Caller, namespace: str) -> None:
    ours = await api("GET", job(namespace, "none"))
    assert_same(ours, await direct("GET", direct_job(namespace, "none")))
    assert assert_is_status(ours, 404, "NotFound")["details"]["name"] == "none"


@pytest.mark.parametrize("accept", ["application/yaml", TABLE])
async def test_a_404_is_relayed_in_the_negotiated_type(
    api: Caller, direct: Caller, namespace: str, accept: str
) -> None:
    ours = await api("GET", job(namespace, "none"), headers={"Accept": accept})
    assert ours.status == 404
    assert_same(ours, await direct("GET", direct_job(namespace, "none"), headers={"Accept": accept}))


async def test_an_accept_that_nobody_can_produce_is_the_apiservers_406(
    api: Caller, direct: Caller, namespace: str
) -> None:
    ours = await api("GET", job(namespace, "none"), headers={"Accept": "image/png"})
    assert_same(ours, await direct("GET", direct_job(namespace, "none"), headers={"Accept": "image/png"}))
    assert_is_status(ours, 406, "NotAcceptable")


@pytest.mark.parametrize("accept", ACCEPTS)
async def test_list_answers_with_the_bytes_of_the_apiserver(
    api: Caller, direct: Caller, namespace: str, accept: str
) -> None:
    await create(direct, namespace, "one", "two")
    version = (await direct("GET", direct_jobs(namespace))).json["metadata"]["resourceVersion"]
    exactly = f"?resourceVersionMatch=Exact&resourceVersion={version}"
    accept = accept.replace("PartialObjectMetadata", "PartialObjectMetadataList")
    asked = jobs(namespace) + exactly, direct_jobs(namespace) + exactly
    await assert_answered_alike(api, direct, *asked, {"Accept": accept})


async def test_list_of_all_namespaces_holds_those_of_each(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "one")
    ours = await api("GET", "/api/v1/_raw/job")
    assert ours.status == 200
    assert ours.json["kind"] == "JobList"
    assert (namespace, "one") in {
        (each["metadata"]["namespace"], each["metadata"]["name"]) for each in ours.json["items"]
    }


async def test_list_selects_by_label_and_field(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "one", "two", "three")
    for parameters in (
        "?labelSelector=name%20in%20(one,two)",
        "?labelSelector=name+notin+(three)",
        "?labelSelector=name%21%3Dthree",
        "?fieldSelector=metadata.name%21%3Dthree",
    ):
        ours = await api("GET", jobs(namespace) + parameters)
        assert [each["metadata"]["name"] for each in ours.json["items"]] == ["one", "two"], parameters


async def test_list_is_paged_by_limit_and_continue(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "one", "two", "three")
    first = await api("GET", jobs(namespace) + "?limit=2")
    assert len(first.json["items"]) == 2
    token = quote(first.json["metadata"]["continue"], safe="")
    second = await api("GET", jobs(namespace) + f"?limit=2&continue={token}")
    assert [each["metadata"]["name"] for each in second.json["items"]] == ["two"]
    assert "continue" not in second.json["metadata"]


async def test_a_selector_of_3000_terms_passes(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "one")
    terms = ",".join(["one", *(f"some-long-value-{number}" for number in range(3000))])
    assert len(terms) > 60_000
    ours = await api("GET", jobs(namespace) + f"?labelSelector=name%20in%20({terms})")
    assert [each["metadata"]["name"] for each in ours.json["items"]] == ["one"]
    encoded = quote(terms, safe="")
    ours = await api("GET", jobs(namespace) + f"?labelSelector=name%20in%20({encoded})")
    assert len(ours.json["items"]) == 1


async def test_what_the_apiserver_refuses_of_a_list_is_relayed(api: Caller, direct: Caller, namespace: str) -> None:
    for parameters, code in (
        ("?labelSelector=%3D%3D", 400),
        ("?fieldSelector=spec.nothing%3D1", 400),
        ("?continue=nonsense", 400),
        ("?sendInitialEvents=true", 422),
        ("?resourceVersionMatch=Exact", 422),
    ):
        ours = await api("GET", jobs(namespace) + parameters)
        assert ours.status == code, (parameters, ours)
        assert_same(ours, await direct("GET", direct_jobs(namespace) + parameters))
        assert ours.json["kind"] == "Status"


async def test_a_future_resource_version_is_the_apiservers_504(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "one")
    ours = await api("GET", job(namespace, "one") + "?resourceVersion=999999999")
    assert assert_is_status(ours, 504, "Timeout")["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert ours.headers["Retry-After"] == "1"


async def test_a_large_list_is_compressed_by_the_apiserver_and_relayed_as_it_is(
    api: Caller, direct: Caller, namespace: str
) -> None:
    big = suspended("big").replace(b"labels: {}", b"annotations: {filling: " + b"x" * 200_000 + b"}")
    assert (await direct("POST", direct_jobs(namespace), big, YAML)).status == 201
    await at_rest(direct, namespace, "big")
    wanted = {"Accept-Encoding": "gzip"}
    ours = await api("GET", job(namespace, "big"), headers=wanted)
    theirs = await direct("GET", direct_job(namespace, "big"), headers=wanted)
    assert ours.headers["Content-Encoding"] == theirs.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(ours.body) == gzip.decompress(theirs.body)
    assert ours.body == theirs.body
    plain = await api("GET", job(namespace, "big"))
    assert "Content-Encoding" not in plain.headers
    assert plain.body == gzip.decompress(ours.body)


async def test_head_answers_what_get_would_without_the_body(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "one")
    for path in (job(namespace, "one"), job(namespace, "none"), jobs(namespace), "/livez"):
        get, head = await api("GET", path), await api("HEAD", path)
        assert head.body == b""
        assert head.status == get.status
        assert head.headers["Content-Type"] == get.headers["Content-Type"]
        assert head.headers.get("Content-Length") == get.headers.get("Content-Length")


async def test_yaml_output_is_a_manifest_that_people_read(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "one")
    ours = await api("GET", job(namespace, "one"), headers={"Accept": "application/yaml"})
    assert yaml.safe_load(ours.body)["metadata"]["name"] == "one"


async def test_only_the_listed_request_headers_travel(
    proxied_api: Caller, proxy: FaultProxy, namespace: str
) -> None:
    given = {
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "tracestate": "vendor=1",
        "Impersonate-User": "system:admin",
        "X-Remote-User": "root",
        "Cookie": "a=b",
        "Authorization": "Bearer of-the-caller",
        "X-Forwarded-For": "10.0.0.1",
        "User-Agent": "curl/8",
    }
    await proxied_api("GET", job(namespace, "none"), headers=given)
    travelled = bytes(proxy.connections[-1].sent).lower()
    assert b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n" in travelled
    assert b"tracestate: vendor=1\r\n" in travelled
    for secret in (b"impersonate", b"x-remote", b"cookie", b"of-the-caller", b"x-forwarded", b"curl"):
        assert secret not in travelled
    assert b"user-agent: job-api/" in travelled


async def test_only_the_listed_response_headers_are_relayed(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, "one")
    ours = await api("GET", job(namespace, "one"))
    framing = ("Content-Length", "Transfer-Encoding")
    ours_alone = ("Date", "Server", "X-Request-Id")
    known = {name.lower() for name in (*RELAYED, "Audit-Id", *framing, *ours_alone)}
    assert {name.lower() for name in ours.headers} <= known
    assert ours.headers["Server"] == "job-api"
