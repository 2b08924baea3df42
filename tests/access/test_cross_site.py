"""What a browser says of a page's request, and what becomes of it in mode none."""

from itertools import product

import aiohttp
import pytest
from multidict import CIMultiDict

from service.access.cross_site import refuse_other_sites
from service.errors import Forbidden
from tests.callers import Caller, assert_is_status, raw_exchange
from tests.conftest import StartService
from tests.contract.manifests import suspended
from tests.contract.paths import job, jobs

HOST = ("Host", "localhost:8080")
LOOPBACK = [
    "localhost", "localhost:8080", "LocalHost:8080", "localhost:", "127.0.0.1", "127.0.0.1:80", "127.1.2.3:1",
    "[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]:8080",
]  # fmt: skip
ELSEWHERE = [
    "", "example.com", "localhost.example.com:8080", "127.0.0.1.example.com", "127.0.0.1.nip.io:8080",
    "a.localhost:8080", "localhost.", "localhost:8080:80", "localhost:x", "localhost@example.com",
    "user@localhost", "localhost,example.com", "localhost, localhost", "localhost/", " localhost", "0.0.0.0:8080",
    "[::]:8080", "::1", "[::1", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f.0.0.1",
    "0177.0.0.1", "127.0.0.1\N{FULLWIDTH FULL STOP}", "l\N{LATIN SMALL LETTER O WITH DIAERESIS}calhost", "10.0.0.1",
]  # fmt: skip


NAVIGATION = (("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))


def is_refused(method: str, *headers: tuple[str, str], any_host: bool = False) -> bool:
    try:
        refuse_other_sites(method, CIMultiDict(headers), any_host=any_host)
    except Forbidden:
        return True
    return False


def test_a_loopbacks_name_is_let_in() -> None:
    assert not [host for host in LOOPBACK if is_refused("POST", ("Host", host))]


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("GET", ()),
        ("POST", (("Sec-Fetch-Site", "same-origin"),)),
        ("GET", (("Sec-Fetch-Site", "none"), *NAVIGATION)),
    ],
)
def test_another_name_is_refused_whatever_is_said_of_the_page(
    method: str, said: tuple[tuple[str, str], ...]
) -> None:
    assert not [host for host in ELSEWHERE if not is_refused(method, ("Host", host), *said)]
    assert not [host for host in ELSEWHERE if is_refused(method, ("Host", host), *said, any_host=True)]


def test_no_name_and_two_names_are_refused_too() -> None:
    assert is_refused("GET")
    assert is_refused("GET", ("Host", "localhost"), ("Host", "localhost"))
    assert not is_refused("GET", any_host=True)


@pytest.mark.parametrize(
    ("refused", "headers"),
    [
        (False, []),
        (False, [("Sec-Fetch-Site", "same-origin")]),
        (False, [("Sec-Fetch-Site", "none")]),
        (True, [("Sec-Fetch-Site", "same-site")]),
        (True, [("Sec-Fetch-Site", "cross-site")]),
        (True, [("Sec-Fetch-Site", "")]),
        (True, [("Sec-Fetch-Site", "Same-Origin")]),
        (True, [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")]),
        # What the browser says of the site goes before the origin, as in Go: a proxy may have changed Host.
        (False, [("Sec-Fetch-Site", "same-origin"), ("Origin", "https://jobs.example.com")]),
        (True, [("Sec-Fetch-Site", "same-site"), ("Origin", "http://localhost:8080")]),
        (False, [("Origin", "http://localhost:8080")]),
        (False, [("Origin", "https://LOCALHOST:8080")]),
        (True, [("Origin", "http://localhost:8081")]),
        (True, [("Origin", "http://localhost")]),
        (True, [("Origin", "http://127.0.0.1:8080")]),
        (True, [("Origin", "http://localhost:8080.example.com")]),
        (True, [("Origin", "localhost:8080")]),
        (True, [("Origin", "null")]),
        (True, [("Origin", "")]),
        (True, [("Origin", "http://localhost:8080"), ("Origin", "http://example.com")]),
        # A frame, a script and an image are no tab of their own.
        (True, [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")]),
        (True, [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "script")]),
        (True, [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")]),
        (True, [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Dest", "document")]),
        (True, [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "websocket"), ("Upgrade", "websocket")]),
    ],
)
def test_a_page_is_let_in_where_it_came_from_here(headers: list[tuple[str, str]], refused: bool) -> None:
    for method, any_host in product(("GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT"), (False, True)):
        assert is_refused(method, HOST, *headers, any_host=any_host) is refused, (method, any_host)


def test_an_origin_of_no_site_is_not_the_same_as_no_host() -> None:
    for origin in ("null", "", "://", "http://"):
        assert is_refused("POST", ("Origin", origin), any_host=True)
        assert is_refused("POST", ("Host", ""), ("Origin", origin), any_host=True)


def test_a_link_may_lead_here_but_a_form_may_not_be_sent_here() -> None:
    followed = (HOST, ("Sec-Fetch-Site", "cross-site"), *NAVIGATION)
    assert not is_refused("GET", *followed)
    assert not is_refused("HEAD", *followed)
    assert is_refused("POST", *followed)


# From here on it is the service itself.

FOREIGN = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Origin": "https://example.com"}


async def test_every_route_that_is_there_or_not_refuses_a_page_of_another_site_with_a_status(
    start_service: StartService, http_client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "service.audit")
    api = Caller(http_client, await start_service(sandbox=True), {})
    for method, path in (
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", "/healthz"),
        ("GET", "/version"),
        ("GET", jobs("a")),
        ("POST", jobs("a")),
        ("GET", job("a", "b")),
        ("DELETE", job("a", "b")),
        ("GET", job("a", "b") + "/wait"),
        ("PUT", job("a", "b")),  # 405 for others
        ("OPTIONS", jobs("a")),
        ("GET", "/no-such-route"),
    ):
        caplog.clear()
        refused = await api(method, path, suspended("b") if method == "POST" else None, FOREIGN)
        assert "another site" in assert_is_status(refused, 403, "Forbidden")["message"]
        (line,) = caplog.records
        assert "code=403" in line.getMessage()
        assert f"path='{path}'" in line.getMessage()
    assert (await api("GET", jobs("a"))).json["items"] == []


async def test_the_name_is_the_one_that_is_on_the_wire(start_service: StartService) -> None:
    url = await start_service(sandbox=True)
    for name, code in (
        ("Host: localhost\r\n", 200),
        ("Host: 127.0.0.1:1\r\n", 200),
        ("Host: rebind.example:80\r\n", 403),
        ("Host:\r\n", 403),
        ("Host: localhost\r\nHost: localhost\r\n", 400),
        ("", 400),
    ):
        answer = await raw_exchange(url, f"GET /livez HTTP/1.1\r\n{name}Connection: close\r\n\r\n".encode())
        assert int(answer.split(b" ")[1]) == code, (name, answer)
    # HTTP/1.0 has no need of a name, which is no reason to let one in who does not say it.
    assert (await raw_exchange(url, b"GET /livez HTTP/1.0\r\n\r\n")).split(b" ")[1] == b"403"


async def test_where_everybody_may_call_any_name_is_good_and_other_sites_stay_out(
    start_service: StartService, http_client: aiohttp.ClientSession
) -> None:
    api = Caller(http_client, await start_service(sandbox=True, allow_unauthenticated=True), {})
    assert (await api("GET", "/livez", headers={"Host": "jobs.example.com"})).status == 200
    created = await api(
        "POST", jobs("a"), suspended("b"), {"Host": "jobs.example.com", "Origin": "https://jobs.example.com"}
    )
    assert created.status == 201
    for method, body in (("GET", None), ("POST", suspended("c")), ("DELETE", None)):
        path = jobs("a") if method == "POST" else job("a", "b")
        assert_is_status(await api(method, path, body, FOREIGN), 403, "Forbidden")
