"""Health and version, in the words of kube-apiserver's own endpoints."""

import re

from service import version
from tests.callers import Caller, assert_is_status


async def test_a_service_with_an_apiserver_is_alive_and_ready(api: Caller) -> None:
    for path in ("/livez", "/readyz", "/healthz"):
        answer = await api("GET", path)
        assert (answer.status, answer.body) == (200, b"ok")
        assert answer.headers["Content-Type"].startswith("text/plain")


async def test_verbose_names_each_check_and_says_how_the_cache_is(api: Caller) -> None:
    told = (await api("GET", "/readyz?verbose")).body.decode()
    checks = r"\[\+\]ping ok\n\[\+\]shutdown ok\n\[\+\]apiserver ok\n"
    assert re.fullmatch(checks + r"cache: (not )?synced, .+\nreadyz check passed\n", told), told
    assert (await api("GET", "/livez?verbose=true")).body == b"[+]ping ok\nlivez check passed\n"
    assert (await api("GET", "/livez?verbose=0")).body == b"ok"


async def test_version_names_both_sides(api: Caller, direct: Caller) -> None:
    told = (await api("GET", "/version")).json
    assert told["name"] == "job-api"
    assert told["version"] == version.VERSION
    assert told["gitCommit"] == version.git_commit()
    assert told["upstreamVersion"] == (await direct("GET", "/version")).json["gitVersion"]


async def test_an_unknown_health_check_is_no_route(api: Caller) -> None:
    assert_is_status(await api("GET", "/readyz/nothing"), 404, "NotFound")
