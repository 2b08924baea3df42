"""The pages for a browser: what they bear, what they are made of, and that nothing else is to be had by them."""

import gzip
import re
import sys

import aiohttp
import pytest

from service import version
from tests.cache.conftest import StartFront
from tests.callers import Answer, Caller, assert_is_status
from tests.conftest import StartService
from tests.upstream import Received, http

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
FILES = {
    "/docs": "text/html; charset=utf-8",
    "/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/swagger-ui.css": "text/css; charset=utf-8",
    "/docs/docs.js": "text/javascript; charset=utf-8",
    "/docs/docs.css": "text/css; charset=utf-8",
    "/docs/landing.css": "text/css; charset=utf-8",
    "/docs/icon.svg": "image/svg+xml",
}


@pytest.fixture
async def api(start_service: StartService, http_client: aiohttp.ClientSession) -> Caller:
    return Caller(http_client, await start_service(sandbox=True), {})


def assert_is_guarded(answer: Answer) -> None:
    """Check that a page loads nothing from elsewhere, runs nothing that is written into it, and is in no frame."""
    assert answer.status == 200
    policy = dict(each.strip().split(" ", 1) for each in answer.headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_each_file_is_guarded_and_is_asked_for_again_only_when_it_is_another(api: Caller) -> None:
    for path, media_type in FILES.items():
        plain, zipped = await api("GET", path), await api("GET", path, headers={"Accept-Encoding": "br, gzip"})
        for answer in (plain, zipped):
            assert_is_guarded(answer)
            assert answer.headers["Content-Type"] == media_type
            assert answer.headers["Cache-Control"] == "no-cache"
            assert answer.headers["Vary"] == "Accept-Encoding"
        assert gzip.decompress(zipped.body) == plain.body
        assert plain.headers["ETag"] != zipped.headers["ETag"]
        known = {"If-None-Match": f'"other", W/{plain.headers["ETag"]}'}
        assert ((again := await api("GET", path, headers=known)).status, again.body) == (304, b"")
        assert again.headers["ETag"] == plain.headers["ETag"]
        assert (await api("GET", path, headers={**known, "Accept-Encoding": "gzip"})).status == 200
        head = await api("HEAD", path)
        assert (head.status, head.body, head.headers["ETag"]) == (200, b"", plain.headers["ETag"])
        assert head.headers["Content-Length"] == str(len(plain.body))
    assert "swagger_ui" not in sys.modules


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "br"])
async def test_who_does_not_ask_for_gzip_does_not_get_it(api: Caller, accepted: str) -> None:
    answer = await api("GET", "/docs/docs.js", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers


async def test_there_is_no_other_file(api: Caller) -> None:
    for path in (
        "/docs/",
        "/docs/docs.html",
        "/docs/landing.html",
        "/docs/swagger-ui.js",
        "/docs/oauth2-redirect.html",
        "/docs/../assets.py",
        "/docs/%2e%2e/assets.py",
        "/docs/..%2fassets.py",
        "/docs/..%2f..%2froutes.py",
        "/docs/%2fetc%2fpasswd",
        "/docs/docs.js%00",
        "/docs/docs.js/",
        "/docs/Docs.js",
    ):
        assert_is_status(await api("GET", path), 404, "NotFound")


async def test_a_page_names_nothing_but_what_is_here(api: Caller) -> None:
    for path in ("/", "/docs"):
        page = (await api("GET", path, headers=BROWSER)).body.decode()
        assert not re.search(r"<script>|<style|style=|\son\w+=|javascript:", page)
        names = set(re.findall(r'(?:src|href)="([^"]+)"', page))
        assert not [name for name in names if re.match(r"/|\w+:", name)], "behind a prefix it would lead elsewhere"
        for name in names:
            assert (await api("GET", f"/{name.removeprefix('./')}")).status == 200, name


async def test_the_root_is_a_page_for_who_prefers_html_and_json_for_all_others(api: Caller) -> None:
    for accept in (
        BROWSER["Accept"],
        "text/html",
        "text/html, application/json",
        "text/*",
        "application/json;q=0.9, text/html",
    ):
        page = await api("GET", "/", headers={"Accept": accept})
        assert_is_guarded(page)
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert ">Ready<" in page.body.decode()
        head = await api("HEAD", "/", headers={"Accept": accept})
        assert (head.status, head.body, head.headers["Content-Type"]) == (200, b"", page.headers["Content-Type"])
    for accept in (
        "",
        "*/*",
        "application/json",
        "application/json, text/html",
        "text/html;q=0.5, */*",
        "image/png",
    ):
        told = await api("GET", "/", headers={"Accept": accept} if accept else {})
        assert_is_guarded(told)
        assert told.headers["Vary"] == "Accept"
        assert told.headers["Content-Type"] == "application/json; charset=utf-8"
        assert told.json.keys() == {"name", "version", "gitCommit", "authMode", "paths"}
        assert (told.json["name"], told.json["version"]) == (version.NAME, version.VERSION)
        assert told.json["authMode"] == "none"
        assert {"/", "/docs", "/readyz", "/api/v1/_raw/job/namespace/{namespace}"} <= set(told.json["paths"])


async def test_what_a_page_shows_is_escaped_and_it_says_why_the_service_is_not_ready(
    front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(_: Received) -> bytes:
        return http(500)

    monkeypatch.setattr(version, "git_commit", lambda: '<script>alert("1")</script>&$mode')
    service = await front(failing)
    page = (await service.api("GET", "/", headers=BROWSER)).body.decode()
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;$mode" in page
    assert 'class="unready"' in page
    assert "Not ready: apiserver: the apiserver is not ready itself (500)" in page


async def test_a_query_cannot_point_a_page_elsewhere(api: Caller) -> None:
    for path in ("/", "/docs", "/docs/docs.js"):
        assert_is_status(await api("GET", f"{path}?url=https://example.com/openapi.json"), 400, "BadRequest")


async def test_they_take_no_token(front: StartFront) -> None:
    async def ready(_: Received) -> bytes:
        return http(200)

    service = await front(ready, auth_mode="passthrough")
    for path in ("/", *FILES):
        assert (await service.api("GET", path, headers=BROWSER)).status == 200
    assert (await service.api("GET", "/")).json["authMode"] == "passthrough"


async def test_another_site_may_link_to_a_page_but_neither_frame_nor_load_it(api: Caller) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    for path in ("/", *FILES):
        link = {**foreign, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        assert (await api("GET", path, headers=link)).status == 200
        for mode, kind in (("navigate", "iframe"), ("no-cors", "script"), ("cors", "empty")):
            used = {**foreign, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": kind}
            assert_is_status(await api("GET", path, headers=used), 403, "Forbidden")
