"""What /metrics tells, to whom, and that it moves when things happen."""

import asyncio
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed_text

from service.api import keys
from service.api.routes import ROUTES
from service.metrics import FAMILIES
from service.server import running
from service.setting_values import Address
from service.settings import default_settings
from tests.api.gated import MANIFEST, Gated
from tests.cache.conftest import StartFront
from tests.callers import Caller, assert_is_status, raw_exchange
from tests.contract.manifests import suspended
from tests.contract.paths import job, jobs
from tests.upstream import Received, http, json_answer
from tests.waiting import eventually

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
WATCH = f"{jobs('default')}?watch=true&resourceVersion=1"
# What would be in a label if anything of a caller's were.
MARK = "s3cr3t"


def value(app: web.Application, name: str, **labels: str) -> float:
    """Return a metric's value at this moment."""
    return app[keys.METRICS].registry.get_sample_value(f"job_api_{name}", labels) or 0.0


def upstream_calls(app: web.Application, verb: str, code: str, resource: str = "jobs") -> float:
    name = "upstream_request_duration_seconds_count"
    return value(app, name, verb=verb, resource=resource, code=code)


def requests(app: web.Application, outcome: str, code: object = "none") -> float:
    """Return how many requests ended in a way, of all routes and methods."""
    return sum(
        sample.value
        for family in app[keys.METRICS].registry.collect()
        for sample in family.samples
        if sample.name == "job_api_requests_total"
        and (sample.labels["outcome"], sample.labels["code"]) == (outcome, str(code))
    )


async def test_both_forms_parse_and_have_every_metric_with_its_labels_and_its_text(front: StartFront) -> None:
    gated = Gated()
    gated.gate.set()
    service = await front(gated.answer)
    await service.api("GET", job("default", "one"))
    text = await service.api("GET", "/metrics")
    assert (text.status, text.headers["Content-Type"]) == (200, TEXT)
    other = await service.api("GET", "/metrics", headers={"Accept": f"text/plain;q=0.1,{OPENMETRICS};q=0.5"})
    assert (other.status, other.headers["Content-Type"]) == (200, OPENMETRICS)
    assert (await service.api("HEAD", "/metrics")).body == b""
    for parse, answer in ((parsed_text, text), (parsed_openmetrics, other)):
        found = {each.name: each for each in parse(answer.body.decode())}
        assert {"process_cpu_seconds", "python_info", "python_gc_collections"} <= set(found)
        for declared in FAMILIES:
            family = found[declared.name.removesuffix("_total")]
            assert (family.type, family.documentation) == (declared.kind, declared.told)
            for sample in family.samples:
                assert set(sample.labels) - {"le"} == set(declared.labels), sample
    assert "_created" not in text.body.decode() + other.body.decode()


@pytest.mark.parametrize("mode", ["delegated", "passthrough"])
async def test_it_takes_no_token_and_no_place_and_is_no_way_to_anything_else(front: StartFront, mode: str) -> None:
    gated = Gated()
    service = await front(gated.answer, auth_mode=mode, max_requests_inflight=1)
    waiting = asyncio.create_task(service.api("GET", job("default", "one"), headers={"Authorization": "Bearer a"}))
    await eventually(lambda: gated.arrived)
    assert (await service.api("GET", "/metrics")).status == 200
    assert_is_status(await service.api("GET", "/metrics?name=x"), 400, "BadRequest")
    assert_is_status(await service.api("POST", "/metrics"), 429, "TooManyRequests")
    assert_is_status(await service.api("GET", "/metrics/"), 429, "TooManyRequests")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_a_page_of_another_site_does_not_read_it_in_mode_none(front: StartFront) -> None:
    service = await front(Gated().answer)
    refused = await service.api("GET", "/metrics", headers={"Origin": "https://elsewhere.example"})
    assert_is_status(refused, 403, "Forbidden")


async def test_requests_count_under_the_template_of_their_route_and_nothing_of_a_callers_is_a_label(
    front: StartFront,
) -> None:
    gated = Gated()
    gated.gate.set()
    service = await front(gated.answer)
    for number, method in enumerate(("TRACE", "LOCK", "SEARCH", "MKCOL", "PROPFIND")):
        await service.api("GET", job(f"{MARK}-{number}", MARK))
        await service.api("GET", f"/{MARK}/{number}")
        await service.api(method, jobs(MARK), headers={"Authorization": f"Bearer {MARK}"})
        await service.api("GET", job("default", f"UPPER-{MARK}"))
        await raw_exchange(service.api.url, f"{MARK} HTTP/9\r\n\r\n".encode())
    app, template = service.app, "/api/v1/_raw/job/namespace/{namespace}/name/{name}"
    route = {"route": template, "method": "GET"}
    assert value(app, "requests_total", **route, code="200", outcome="success") == 5
    assert value(app, "requests_total", **route, code="400", outcome="client_error") == 5
    assert value(app, "request_duration_seconds_count", **route) == 10
    none = {"route": "none", "outcome": "client_error"}
    assert value(app, "requests_total", **none, method="GET", code="404") == 5
    assert value(app, "requests_total", **none, method="other", code="405") == 5
    assert value(app, "requests_total", **none, method="other", code="400") == 5
    text = (await service.api("GET", "/metrics")).body.decode()
    assert MARK not in text.lower()
    known = {each.path for each in ROUTES} | {"none"}
    told = {sample.labels.get("route", "none") for each in parsed_text(text) for sample in each.samples}
    assert told <= known


ENDS = {
    "broken": http(200, b"x" * 200_000, {"Content-Type": "application/json"})[:-50],
    "dropped": None,
    "failed": json_answer(500, b'{"kind":"Status","apiVersion":"v1","status":"Failure","code":500}'),
}


async def test_a_request_counts_by_how_it_ended(front: StartFront) -> None:
    arrived: list[Received] = []

    async def answer(request: Received) -> bytes | None:
        arrived.append(request)
        name = request.target.rpartition("/")[2]
        if name == "silent":
            await asyncio.Event().wait()
        return ENDS[name]

    service = await front(answer, chunk_seconds=0.1)
    with pytest.raises(aiohttp.ClientError):
        await service.api("GET", job("default", "broken"))
    for name in ("dropped", "failed"):
        await service.api("GET", job("default", name))
    calling = asyncio.create_task(service.api("GET", job("default", "silent")))
    await eventually(lambda: len(arrived) == 4)
    assert value(service.app, "requests_in_flight") == 1
    calling.cancel()
    await eventually(lambda: requests(service.app, "canceled"))
    app = service.app
    assert requests(app, "aborted", 502) == requests(app, "server_error", 500) == 1
    assert requests(app, "server_error", 503) == requests(app, "canceled") == 1
    assert value(app, "requests_in_flight") == 0
    assert [upstream_calls(app, "get", code) for code in ("2xx", "5xx", "none")] == [1, 1, 1]


async def test_streams_limits_and_what_is_over_them_are_told(front: StartFront) -> None:
    gated = Gated()
    service = await front(gated.answer, max_streams=1, max_requests_inflight=1)
    app = service.app
    assert value(app, "limit", bound="requests") == value(app, "limit", bound="streams") == 1
    gated.gate.set()
    async with service.api.session.get(service.api.url + WATCH) as watching:
        assert watching.status == 200
        assert value(app, "streams", kind="watch") == value(app, "upstream_streams", resource="jobs") == 1
        assert (await service.api("GET", WATCH)).status == 429
        watching.close()
    await eventually(lambda: value(app, "streams", kind="watch") == 0)
    assert value(app, "upstream_streams", resource="jobs") == 0
    gated.gate.clear()
    posting = asyncio.create_task(service.api("POST", jobs("default"), MANIFEST))
    await eventually(lambda: value(app, "upstream_writes_in_flight") == 1)
    assert (await service.api("GET", job("default", "one"))).status == 429
    posting.cancel()
    await eventually(lambda: value(app, "requests_in_flight") == 0)
    assert (await service.api("POST", jobs("default"), MANIFEST)).status == 429
    gated.gate.set()
    await eventually(lambda: value(app, "upstream_writes_in_flight") == 0)
    for bound in ("streams", "requests", "writes"):
        assert value(app, "requests_rejected_total", bound=bound) == 1, bound


async def test_reviews_count_and_so_do_those_that_were_not_needed(front: StartFront) -> None:
    async def answer(request: Received) -> bytes:
        if request.target.endswith("/tokenreviews"):
            user: dict[str, Any] = {"authenticated": "ann" in request.body.decode(), "user": {"username": "ann"}}
            return json_answer(201, msgspec.json.encode({"status": user}))
        if request.target.endswith("/subjectaccessreviews"):
            return json_answer(201, msgspec.json.encode({"status": {"allowed": b'"get"' in request.body}}))
        return json_answer(200, b"{}")

    service = await front(answer, auth_mode="delegated")
    for token, method in (("ann", "GET"), ("ann", "GET"), ("ann", "DELETE"), ("bob", "GET")):
        await service.api(method, job("default", "one"), headers={"Authorization": f"Bearer {token}"})
    app, reviews = service.app, "review_duration_seconds_count"
    for review, result in (
        ("TokenReview", "allowed"),
        ("TokenReview", "denied"),
        ("SubjectAccessReview", "allowed"),
        ("SubjectAccessReview", "denied"),
    ):
        assert value(app, reviews, review=review, result=result) == 1, (review, result)
    lookups = {"identities": (2, 2), "decisions": (1, 2)}
    for cache, counts in lookups.items():
        told = [value(app, "review_cache_lookups_total", cache=cache, result=each) for each in ("hit", "miss")]
        assert (*told,) == counts, cache
        assert value(app, "review_cache_entries", cache=cache) == 2


async def test_credentials_that_are_refused_and_read_again_count(front: StartFront) -> None:
    async def answer(_: Received) -> bytes:
        return http(401)

    service = await front(answer, token=MARK)
    assert (await service.api("GET", job("default", "one"))).status == 503
    assert value(service.app, "credentials_refused_total") == 1
    assert value(service.app, "credentials_reads_total", result="success") >= 1


async def test_the_cache_tells_how_it_is_and_two_services_in_one_process_each_their_own(
    http_client: aiohttp.ClientSession,
) -> None:
    settings = default_settings(listen=Address("127.0.0.1", 0), sandbox=True, watch_window_changes=1)
    async with running(settings) as (app, url), running(settings) as (another, _):
        api = Caller(http_client, url, {})
        for each in (app, another):
            await eventually(lambda each=each: value(each, "cache_synced", scope="*"))  # type: ignore[misc]
        for name in ("one", "two"):
            assert (await api("POST", jobs("default"), suspended(name))).status == 201
        await eventually(lambda: value(app, "watch_window_evictions_total", scope="*"))
        assert value(app, "cache_objects", scope="*") == 2
        assert value(app, "watch_window_changes", scope="*") == 1
        assert value(app, "watch_window_bytes", scope="*") > 0
        assert value(app, "cache_lists_total", scope="*") == 1
        assert (await api("GET", job("default", "one") + "?resourceVersion=0")).status == 200
        assert (await api("GET", job("default", "none") + "?resourceVersion=0")).status == 404
        assert [value(app, "cache_reads_total", result=each) for each in ("hit", "miss")] == [1, 1]
        assert (await api("GET", WATCH)).status == 200
        assert value(app, "watches_expired_total", scope="*") == 1
        assert [value(another, f"cache_{what}", scope="*") for what in ("synced", "objects")] == [1, 0]
        assert requests(another, "success", 201) == 0
