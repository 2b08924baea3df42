"""Pages of other sites in the user's browser can neither read nor create; a page of the same origin can."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from service.audit import AuditRecord
from tests.browser.chromium import REBOUND, Chromium, ChromiumError, Page
from tests.callers import Caller
from tests.conftest import StartService
from tests.contract.manifests import suspended
from tests.contract.paths import job, jobs
from tests.waiting import eventually

pytestmark = pytest.mark.browser

NAMESPACE = "browser"
JOBS = jobs(NAMESPACE)
MANIFEST = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "spec": {
        "suspend": True,
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}},
    },
}

# Each says what came of it: the text that was read, or why there was none.
FETCH = """(url, options) => fetch(url, options).then(
    async got => [got.type, got.status, await got.text()],
    error => error.name)"""
ELEMENT = """(kind, url) => new Promise(done => {
    const element = document.createElement(kind)
    element.onload = () => done("load")
    element.onerror = () => done("error")
    element.src = url
    document.body.append(element)
})"""
FRAME = """url => new Promise(done => {
    const frame = document.createElement("iframe")
    frame.onload = () => {
        const inside = frame.contentDocument
        done(inside && inside.body.innerText)
    }
    frame.src = url
    document.body.append(frame)
})"""
STREAM = """url => new Promise(done => {
    const stream = new EventSource(url)
    stream.addEventListener("ADDED", event => { stream.close(); done(event.data) })
    stream.onerror = () => done(stream.readyState)
})"""
# A form's text/plain is `name=value`, which a page can make valid JSON.
FORM = """(url, name, value) => {
    const form = document.createElement("form")
    Object.assign(form, {method: "post", enctype: "text/plain", action: url})
    const field = document.createElement("input")
    Object.assign(field, {name, value})
    form.append(field)
    document.body.append(form)
    form.submit()
}"""
FOLLOW = """url => {
    const link = document.createElement("a")
    link.href = url
    document.body.append(link)
    link.click()
}"""
CLOSED = 2


async def call(page: Page, function: str, *arguments: object) -> object:
    return await page.evaluate(f"({function})({', '.join(map(json.dumps, arguments))})")


def posted(**options: object) -> dict[str, object]:
    return {"method": "POST", "body": suspended("made").decode(), **options}


async def shown_at(page: Page, url: str) -> str:
    """Wait until a page has gone elsewhere by itself, and return the text that it shows."""
    while True:
        with suppress(ChromiumError):  # it is on its way
            return str(await page.until(f"location.href === {json.dumps(url)} && document.body?.innerText"))


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int | None]]:
    """Return what the service has been asked so far, favicons aside, and with which code it answered."""
    lines: list[tuple[str, str, int | None]] = []

    def write(record: AuditRecord) -> None:
        if record.path != "/favicon.ico":
            lines.append((record.method, record.path, record.code))

    monkeypatch.setattr(AuditRecord, "write", write)
    return lines


@pytest.fixture
async def service(start_service: StartService, http_client: aiohttp.ClientSession) -> Caller:
    """Return a caller of the service that is no browser; it has one Job."""
    api = Caller(http_client, await start_service(sandbox=True), {})
    assert (await api("POST", JOBS, suspended("there"))).status == 201
    return api


@pytest.fixture
async def stranger() -> AsyncIterator[str]:
    """Return the port of another site's server on this machine."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>a stranger</title><body>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield str(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def names(api: Caller) -> list[str]:
    return [each["metadata"]["name"] for each in (await api("GET", JOBS)).json["items"]]


async def test_a_page_of_the_same_origin_reads_and_creates(service: Caller, chromium: Chromium) -> None:
    page = await chromium.open(f"{service.url}/livez")
    for read in (
        await call(page, FETCH, JOBS),
        await call(page, FETCH, JOBS, {"mode": "no-cors"}),
        await call(page, STREAM, f"{JOBS}?watch=true"),
        await call(page, FRAME, JOBS),
    ):
        assert '"name":"there"' in str(read)
    created = await call(page, FETCH, JOBS, posted())
    assert isinstance(created, list)
    assert created[:2] == ["basic", 201]
    await call(page, FORM, service.url + JOBS, *form_fields("by-form"))
    assert '"name":"by-form"' in await shown_at(page, service.url + JOBS)
    assert await names(service) == ["by-form", "made", "there"]


def form_fields(name: str) -> tuple[str, str]:
    """Return a field's name and value, which become a Job's manifest with a `=` in an annotation."""
    whole = json.dumps({**MANIFEST, "metadata": {"name": name, "annotations": {"x": "="}}})
    before, _, after = whole.partition("=")
    return before, after


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"], ids=["another port", "another name"])
async def test_a_page_of_another_origin_reads_nothing(
    service: Caller, stranger: str, chromium: Chromium, answered: list[tuple[str, str, int | None]], name: str
) -> None:
    page = await chromium.open(f"http://{name}:{stranger}/")
    secret = service.url + job(NAMESPACE, "there")
    assert await call(page, FETCH, secret) == "TypeError"
    assert await call(page, FETCH, secret, {"mode": "no-cors"}) == ["opaque", 0, ""]
    assert await call(page, STREAM, f"{service.url}{JOBS}?watch=true") == CLOSED
    assert await call(page, ELEMENT, "script", secret) == "error"
    assert await call(page, ELEMENT, "img", secret) == "error"
    assert await call(page, FRAME, secret) is None
    # The page could not have read these answers anyway: what counts is that none of them held the Job.
    assert [code for _, _, code in answered] == [403] * 6, answered


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"], ids=["another port", "another name"])
async def test_a_page_of_another_origin_creates_and_deletes_nothing(
    service: Caller, stranger: str, chromium: Chromium, answered: list[tuple[str, str, int | None]], name: str
) -> None:
    page = await chromium.open(f"http://{name}:{stranger}/")
    there, collection = service.url + job(NAMESPACE, "there"), service.url + JOBS
    assert await call(page, FETCH, collection, posted()) == "TypeError"
    assert await call(page, FETCH, collection, posted(mode="no-cors")) == ["opaque", 0, ""]
    assert await page.evaluate(f"navigator.sendBeacon({json.dumps(collection)}, {json.dumps(posted()['body'])})")
    assert await call(page, FETCH, there, {"method": "DELETE"}) == "TypeError"
    await eventually(lambda: len(answered) == 4)
    await call(page, FORM, collection, *form_fields("by-form"))
    assert '"reason":"Forbidden"' in await shown_at(page, collection)
    assert sorted(answered) == [
        ("OPTIONS", job(NAMESPACE, "there"), 403),
        *[("POST", JOBS, 403)] * 4,
    ]
    assert await names(service) == ["there"]


async def test_a_link_of_another_page_leads_to_the_service(
    service: Caller, stranger: str, chromium: Chromium
) -> None:
    page = await chromium.open(f"http://localhost:{stranger}/")
    url = service.url + job(NAMESPACE, "there")
    await call(page, FOLLOW, url)
    assert '"name":"there"' in await shown_at(page, url)


async def test_a_strangers_name_that_leads_here_is_refused(
    service: Caller, chromium: Chromium, answered: list[tuple[str, str, int | None]]
) -> None:
    # To the browser this is one origin, of which nothing tells but the name.
    page = await chromium.open(f"http://{REBOUND}:{URL(service.url).port}{JOBS}")
    assert '"reason":"Forbidden"' in await page.evaluate("document.body.innerText")
    for options in ({}, posted(), {"method": "DELETE"}):
        got = await call(
            page, FETCH, JOBS if options.get("method") != "DELETE" else job(NAMESPACE, "there"), options
        )
        assert isinstance(got, list)
        assert got[:2] == ["basic", 403]
        assert '"name":"there"' not in got[2]
    assert {code for _, _, code in answered} == {403}
    assert await names(service) == ["there"]
