"""How the service shows the apiserver who it is, seen from the apiserver: real files, plugins and TLS.

Every secret of these tests holds the same marker, and no test passes when it is found in a log or on a stream.
"""

import asyncio
import atexit
import base64
import datetime
import io
import json
import logging
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import aiohttp
import pytest
import structlog
import yaml
from cryptography.hazmat.primitives import serialization
from kubernetes_asyncio.config import incluster_config

from service.kube import configuration, credentials
from service.kube.configuration import credential_source
from service.kube.credentials import CredentialsError
from tests.cluster.certificates import Authority
from tests.conftest import StartService
from tests.kube.tls_upstream import TlsUpstream
from tests.upstream import Answer, Received, Upstream, http, json_answer, write_kubeconfig
from tests.waiting import WATCHDOG_SECONDS, eventually

MARK = "s3cr3t"
OLD, NEW = f"{MARK}-old", f"{MARK}-new"
JOBS = "/api/v1/_raw/job/namespace/default"
JOB = JOBS + "/name/x"
MANIFEST = b"apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\n"
UNAUTHORIZED = b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Unauthorized","code":401}'


@dataclass(frozen=True, slots=True)
class Answered:
    code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def status(self) -> Any:
        return json.loads(self.body)


Call = Callable[..., Any]


@pytest.fixture
def call(http_client: aiohttp.ClientSession) -> Call:
    async def call(url: str, method: str = "GET", path: str = JOB, body: bytes | None = None) -> Answered:
        async with http_client.request(method, url + path, data=body, allow_redirects=False) as response:
            answered = Answered(response.status, response.headers, await response.read())
        assert MARK.encode() not in answered.body
        assert MARK not in repr(answered.headers)
        return answered

    return call


@pytest.fixture(autouse=True)
def told(capfd: pytest.CaptureFixture[str]) -> Iterator[io.StringIO]:
    """Collect every log record, of any level and with its traceback, and fail the test that tells a secret."""
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)
    out, err = capfd.readouterr()
    for each in (text.getvalue(), out, err):
        assert MARK not in each


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave none of the machine's own credentials to be found."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)


class Clock:
    """Stands in for the time module of the code under test, and goes ahead when told to."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def time(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(credentials, "time", clock)
    monkeypatch.setattr(configuration, "time", clock)
    return clock


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a 401 be followed by a reading also within the first second."""
    monkeypatch.setattr(credentials, "RETRY_SECONDS", 0.0)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(new_directory(tmp_path / "authority"))


class Plugin:
    """An exec plugin: a program that prints what it was given to say, and leaves a mark each time it runs."""

    def __init__(self, directory: Path) -> None:
        self._runs, self._said, self._may_end = directory / "runs", directory / "said", directory / "may-end"
        self._program = directory / "plugin"
        self._program.write_text(
            f"#!/bin/sh\necho run >> '{self._runs}'\n"
            f"while [ ! -e '{self._may_end}' ]; do sleep 0.01; done\n"
            f"cat '{self._said}'\n"
        )
        self._program.chmod(0o700)
        self.go_on()

    @property
    def runs(self) -> int:
        return len(self._runs.read_text().splitlines()) if self._runs.exists() else 0

    @property
    def user(self) -> dict[str, object]:
        return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(self._program)}}

    def hang(self) -> None:
        """Let the next runs wait for `go_on`."""
        self._may_end.unlink()

    def go_on(self) -> None:
        self._may_end.touch()

    def says(self, **status: str) -> Self:
        self._said.write_text(
            json.dumps(
                {
                    "apiVersion": "client.authentication.k8s.io/v1",
                    "kind": "ExecCredential",
                    "status": status,
                }
            )
        )
        return self


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    return Plugin(new_directory(tmp_path / "plugin"))


def new_directory(path: Path) -> Path:
    path.mkdir()
    return path


def executing(user: dict[str, object], directory: Path) -> str:
    return kubeconfig_part(
        directory / "k",
        clusters=[{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        contexts=[context_entry("x", "c", "u")],
        users=[{"name": "u", "user": user}],
        **{"current-context": "x"},
    )


def in_an_hour(clock: Clock, hours: float = 1) -> str:
    moment = datetime.datetime.fromtimestamp(clock.time() + hours * 3600, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


async def ok(_: Received) -> bytes:
    return json_answer(200, b'{"kind":"Job"}')


async def unauthorized(_: Received) -> bytes:
    return json_answer(401, UNAUTHORIZED)


def accepting(*tokens: str) -> Answer:
    """Answer 200 to these bearer tokens, and 401 to every other request."""

    async def answer(request: Received) -> bytes:
        accepted = [f"Bearer {token}" for token in tokens]
        return await (ok if request.headers.get("Authorization") in accepted else unauthorized)(request)

    return answer


def authorizations(upstream: Upstream) -> list[str | None]:
    return [request.headers.get("Authorization") for request in upstream.received]


def inline(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def is_service_unavailable(answered: Answered) -> bool:
    return (
        answered.code == HTTPStatus.SERVICE_UNAVAILABLE
        and answered.headers["Retry-After"] == "1"
        and answered.status["kind"] == "Status"
        and answered.status["reason"] == "ServiceUnavailable"
        and answered.status["code"] == HTTPStatus.SERVICE_UNAVAILABLE
    )


# What a kubeconfig may hold.


async def test_a_token_is_sent_as_bearer(tmp_path: Path, start_service: StartService, call: Call) -> None:
    async with Upstream(ok) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, token=OLD))
        assert (await call(url)).code == HTTPStatus.OK
    assert authorizations(upstream) == [f"Bearer {OLD}"]


async def test_a_username_and_password_are_sent_as_basic(
    tmp_path: Path, start_service: StartService, call: Call
) -> None:
    async with Upstream(ok) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, username="me", password=MARK))
        assert (await call(url)).code == HTTPStatus.OK
    assert authorizations(upstream) == ["Basic " + base64.b64encode(f"me:{MARK}".encode()).decode()]


async def test_a_user_without_credentials_sends_none(
    tmp_path: Path, start_service: StartService, call: Call
) -> None:
    async with Upstream(ok) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path))
        assert (await call(url)).code == HTTPStatus.OK
    assert authorizations(upstream) == [None]


@pytest.mark.parametrize("written", [OLD, f"{OLD}\n", f"{OLD}\r\n", f"{OLD}\n\n", f" {OLD} "])
async def test_the_white_space_around_a_token_never_reaches_the_header(
    tmp_path: Path, start_service: StartService, call: Call, written: str
) -> None:
    (tmp_path / "token").write_bytes(written.encode())
    file_user, inline_user = new_directory(tmp_path / "a"), new_directory(tmp_path / "b")
    async with Upstream(accepting(OLD)) as upstream:
        for kubeconfig in (
            upstream.kubeconfig(file_user, tokenFile=str(tmp_path / "token")),
            upstream.kubeconfig(inline_user, token=written),
        ):
            assert (await call(await start_service(kubeconfig=kubeconfig))).code == HTTPStatus.OK


async def test_a_token_file_is_found_beside_its_kubeconfig(
    tmp_path: Path, start_service: StartService, call: Call
) -> None:
    (tmp_path / "token").write_text(OLD)
    async with Upstream(accepting(OLD)) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, tokenFile="token"))
        assert (await call(url)).code == HTTPStatus.OK


@pytest.mark.parametrize("written", [f"{OLD}\n{NEW}", f"{OLD}\rx", f"{OLD}\0"])
async def test_a_token_that_no_header_can_carry_is_refused_at_the_start(tmp_path: Path, written: str) -> None:
    (tmp_path / "token").write_bytes(written.encode())
    path = write_kubeconfig(tmp_path / "k", "http://127.0.0.1:1", tokenFile="token")
    assert "token" in await refused(path)


@pytest.mark.parametrize("form", ["inline", "files", "files beside the kubeconfig"])
async def test_a_client_certificate_is_presented(
    tmp_path: Path, start_service: StartService, call: Call, authority: Authority, form: str
) -> None:
    pair = authority.client("job-api")
    files = {
        "certificate-authority": authority.ca_file,
        "client-certificate": pair.certificate,
        "client-key": pair.key,
    }
    if form == "inline":
        written = {f"{name}-data": inline(file) for name, file in files.items()}
    elif form == "files":
        written = {name: str(file) for name, file in files.items()}
    else:
        written = {name: str(file.relative_to(tmp_path)) for name, file in files.items()}
    cluster = {name: value for name, value in written.items() if "authority" in name}
    user = {name: value for name, value in written.items() if "client" in name}
    async with TlsUpstream(ok, authority.serving("s"), authority.ca_file) as upstream:
        kubeconfig = write_kubeconfig(tmp_path / "k", upstream.url, cluster, **user)
        assert (await call(await start_service(kubeconfig=kubeconfig))).code == HTTPStatus.OK
    assert authorizations(upstream) == [None]


async def test_without_the_client_certificate_that_the_apiserver_demands_the_answer_is_503(
    tmp_path: Path, start_service: StartService, call: Call, authority: Authority
) -> None:
    async with TlsUpstream(ok, authority.serving("s"), authority.ca_file) as upstream:
        cluster = {"certificate-authority": str(authority.ca_file)}
        url = await start_service(kubeconfig=write_kubeconfig(tmp_path / "k", upstream.url, cluster))
        assert is_service_unavailable(await call(url))
    assert upstream.received == []


async def test_an_exec_plugin_may_give_a_client_certificate(
    tmp_path: Path, start_service: StartService, call: Call, authority: Authority, plugin: Plugin
) -> None:
    pair = authority.client("job-api")
    plugin.says(clientCertificateData=pair.certificate.read_text(), clientKeyData=pair.key.read_text())
    async with TlsUpstream(ok, authority.serving("s"), authority.ca_file) as upstream:
        cluster = {"certificate-authority": str(authority.ca_file)}
        kubeconfig = write_kubeconfig(tmp_path / "k", upstream.url, cluster, **plugin.user)
        assert (await call(await start_service(kubeconfig=kubeconfig))).code == HTTPStatus.OK


async def test_inline_keys_leave_no_file_behind_and_can_be_read_again(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch, no_pause: None
) -> None:
    temporary = new_directory(tmp_path / "temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    pair = authority.client("job-api")
    kubeconfig = write_kubeconfig(
        tmp_path / "k",
        "https://127.0.0.1:1",
        {"certificate-authority-data": inline(authority.ca_file)},
        **{"client-certificate-data": inline(pair.certificate), "client-key-data": inline(pair.key)},
    )
    source = credential_source(kubeconfig, None)
    first = await source.current()
    assert list(temporary.iterdir()) == []
    assert await source.renewed(first) == first
    assert (await credential_source(kubeconfig, None).current()).server == "https://127.0.0.1:1"
    assert list(temporary.iterdir()) == []


async def test_a_hundred_readings_leave_as_much_behind_as_one(
    tmp_path: Path, authority: Authority, no_pause: None
) -> None:
    cluster = {"certificate-authority-data": inline(authority.ca_file)}
    source = credential_source(write_kubeconfig(tmp_path / "k", "https://127.0.0.1:1", cluster), None)
    latest = await source.current()
    before = atexit._ncallbacks()
    for _ in range(100):
        latest = await source.renewed(latest)
    assert atexit._ncallbacks() == before


# Where they come from.


def kubeconfig_of(path: Path, server: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_kubeconfig(path, server, token=OLD)


@dataclass(frozen=True, slots=True)
class Pod:
    token: Path
    ca: Path


@pytest.fixture
def pod(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Pod:
    """Put the test in a pod: what the kubelet mounts and Kubernetes puts into the environment."""
    pod = Pod(new_directory(tmp_path / "account") / "token", tmp_path / "account" / "ca.crt")
    pod.token.write_text(OLD)
    pod.ca.write_bytes(authority.ca_file.read_bytes())
    # The library reads these two names at each reading, and has no parameter of ours to pass others.
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(pod.token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(pod.ca))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    return pod


async def test_kubeconfig_wins_over_its_variable_which_wins_over_the_pod_which_wins_over_home(
    tmp_path: Path, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig_of(tmp_path / "home/.kube/config", "http://home:1")
    monkeypatch.setenv("KUBECONFIG", kubeconfig_of(tmp_path / "variable", "http://variable:1"))
    flag = kubeconfig_of(tmp_path / "flag", "http://flag:1")

    async def server(kubeconfig: str | None) -> str:
        return (await credential_source(kubeconfig, None).current()).server

    assert await server(flag) == "http://flag:1"
    assert await server(None) == "http://variable:1"
    monkeypatch.setenv("KUBECONFIG", "")
    assert await server(None) == "https://127.0.0.1:1"
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    assert await server(None) == "https://[fd00::1]:1"
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    assert await server(None) == "http://home:1"


def test_with_no_credentials_anywhere_one_line_says_where_they_may_be() -> None:
    with pytest.raises(CredentialsError) as raised:
        credential_source(None, None)
    line = str(raised.value)
    assert "\n" not in line
    for place in ("--kubeconfig", "KUBECONFIG", "pod", "~/.kube/config"):
        assert place in line


async def test_the_pods_service_account_is_used(
    start_service: StartService, call: Call, authority: Authority, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with TlsUpstream(accepting(OLD), authority.serving("s")) as upstream:
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(upstream.port))
        assert (await call(await start_service())).code == HTTPStatus.OK


async def test_in_a_pod_without_a_token_the_service_does_not_start(pod: Pod) -> None:
    pod.token.unlink()
    assert "service account" in await refused(None)


async def test_a_rotated_ca_of_the_pod_is_trusted_from_the_next_reading_on(
    tmp_path: Path, pod: Pod, clock: Clock
) -> None:
    source = credential_source(None, None)
    first = await source.current()
    clock.ahead += configuration.REREAD_SECONDS
    assert (await source.current()).ssl_context is first.ssl_context, (
        "connections are kept while the CA is the same"
    )
    other = Authority(new_directory(tmp_path / "other"))
    pod.ca.write_bytes(pod.ca.read_bytes() + other.ca_file.read_bytes())
    clock.ahead += configuration.REREAD_SECONDS
    context = (await source.current()).ssl_context
    assert isinstance(context, ssl.SSLContext)
    assert len(context.get_ca_certs()) == len(["the old", "the new"])


def kubeconfig_part(path: Path, **parts: object) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **parts}))
    return str(path)


def context_entry(name: str, cluster: str, user: str) -> dict[str, object]:
    return {"name": name, "context": {"cluster": cluster, "user": user}}


@pytest.mark.parametrize("way", ["flag", "variable"])
async def test_several_kubeconfigs_joined_by_a_colon_are_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "token").write_text(OLD)
    first = kubeconfig_part(
        tmp_path / "a/k",
        clusters=[{"name": "c", "cluster": {"server": "http://first:1"}}],
        contexts=[context_entry("x", "c", "u")],
        **{"current-context": "x"},
    )
    second = kubeconfig_part(
        tmp_path / "b/k",
        clusters=[{"name": "c", "cluster": {"server": "http://second:1"}}],
        users=[{"name": "u", "user": {"tokenFile": "token"}}],
    )
    joined = f"{first}:{tmp_path / 'is-not-there'}:{second}"
    if way == "variable":
        monkeypatch.setenv("KUBECONFIG", joined)
    read = await credential_source(joined if way == "flag" else None, None).current()
    assert (read.server, read.authorization) == ("http://first:1", f"Bearer {OLD}")


async def test_the_context_chooses_cluster_and_user(tmp_path: Path) -> None:
    kubeconfig = kubeconfig_part(
        tmp_path / "k",
        clusters=[{"name": name, "cluster": {"server": f"http://{name}:1"}} for name in ("c1", "c2")],
        users=[{"name": name, "user": {"token": f"{MARK}-{name}"}} for name in ("u1", "u2")],
        contexts=[context_entry("x1", "c1", "u1"), context_entry("x2", "c2", "u2")],
        **{"current-context": "x1"},
    )
    chosen = await credential_source(kubeconfig, "x2").current()
    assert (chosen.server, chosen.authorization) == ("http://c2:1", f"Bearer {MARK}-u2")
    current = await credential_source(kubeconfig, None).current()
    assert (current.server, current.authorization) == ("http://c1:1", f"Bearer {MARK}-u1")
    assert "x3" in await refused(kubeconfig, "x3")


# How they rotate.


async def test_a_rotated_token_file_is_used_once_the_time_is_up(
    tmp_path: Path, start_service: StartService, call: Call, clock: Clock
) -> None:
    token = tmp_path / "token"
    token.write_text(OLD + "\n")
    async with Upstream(ok) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, tokenFile=str(token)))
        token.write_text(NEW + "\n")
        await call(url)
        clock.ahead += configuration.REREAD_SECONDS
        await call(url)
    assert authorizations(upstream) == [f"Bearer {OLD}", f"Bearer {NEW}"]


async def test_the_pods_rotated_token_is_used_once_the_time_is_up(pod: Pod, clock: Clock) -> None:
    source = credential_source(None, None)
    await source.current()
    pod.token.write_text(NEW + "\n")
    assert (await source.current()).authorization == f"Bearer {OLD}"
    clock.ahead += configuration.REREAD_SECONDS
    assert (await source.current()).authorization == f"Bearer {NEW}"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_401_is_followed_by_one_retry_with_the_token_that_is_there_by_then(
    tmp_path: Path, start_service: StartService, call: Call, no_pause: None, method: str
) -> None:
    token = tmp_path / "token"
    token.write_text(OLD)
    async with Upstream(accepting(NEW)) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, tokenFile=str(token)))
        token.write_text(NEW + "\n")
        body = MANIFEST if method == "POST" else None
        assert (await call(url, method, JOBS if method == "POST" else JOB, body)).code == HTTPStatus.OK
    assert authorizations(upstream) == [f"Bearer {OLD}", f"Bearer {NEW}"]
    first, second = upstream.received
    assert (first.method, first.target, first.body) == (second.method, second.target, second.body)
    assert second.method == method
    assert method != "POST" or second.body == MANIFEST


async def test_a_401_that_stays_is_503_after_two_requests_when_the_credentials_changed(
    tmp_path: Path, start_service: StartService, call: Call, no_pause: None
) -> None:
    token = tmp_path / "token"
    token.write_text(OLD)
    async with Upstream(unauthorized) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, tokenFile=str(token)))
        token.write_text(NEW)
        assert is_service_unavailable(await call(url))
    assert authorizations(upstream) == [f"Bearer {OLD}", f"Bearer {NEW}"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_401_that_stays_is_503_after_one_request_when_the_credentials_did_not_change(
    tmp_path: Path, start_service: StartService, call: Call, no_pause: None, method: str
) -> None:
    async with Upstream(unauthorized) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, token=OLD))
        body = MANIFEST if method == "POST" else None
        answered = await call(url, method, JOBS if method == "POST" else JOB, body)
        assert is_service_unavailable(answered)
        assert "WWW-Authenticate" not in answered.headers
    assert len(upstream.received) == 1


async def test_within_a_moment_of_the_last_reading_a_401_asks_for_no_other(
    tmp_path: Path, start_service: StartService, call: Call, plugin: Plugin, clock: Clock
) -> None:
    plugin.says(token=OLD)
    async with Upstream(unauthorized) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, **plugin.user))
        clock.ahead += credentials.RETRY_SECONDS
        for _ in range(3):
            assert is_service_unavailable(await call(url))
        assert plugin.runs == len(["at the start", "after the first 401"])
        clock.ahead += credentials.RETRY_SECONDS
        await call(url)
        assert plugin.runs == len(["at the start", "after the first 401", "after the pause"])


async def test_many_401s_at_once_are_followed_by_one_reading(
    tmp_path: Path, start_service: StartService, call: Call, plugin: Plugin, no_pause: None
) -> None:
    callers, all_are_here = 20, asyncio.Event()

    async def answer(request: Received) -> bytes | AsyncIterator[bytes] | None:
        if len(upstream.received) == callers:
            all_are_here.set()
        await all_are_here.wait()
        return await accepting(NEW)(request)

    plugin.says(token=OLD)
    async with Upstream(answer) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, **plugin.user))
        plugin.says(token=NEW)
        answers = await asyncio.gather(*(call(url, path=f"{JOB}-{number}") for number in range(callers)))
    assert [each.code for each in answers] == [HTTPStatus.OK] * callers
    assert plugin.runs == len(["at the start", "after the 401s"])
    assert sorted(map(str, authorizations(upstream))) == sorted([f"Bearer {OLD}", f"Bearer {NEW}"] * callers)


async def test_a_caller_that_leaves_does_not_end_the_reading_that_the_others_need(
    tmp_path: Path, start_service: StartService, call: Call, plugin: Plugin, clock: Clock
) -> None:
    plugin.says(token=OLD)
    async with Upstream(accepting(NEW)) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, **plugin.user))
        clock.ahead += credentials.RETRY_SECONDS
        plugin.says(token=NEW)
        plugin.hang()
        leaving = asyncio.create_task(call(url))
        await eventually(lambda: plugin.runs == len(["at the start", "after the 401"]))
        with structlog.testing.capture_logs() as audited:
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            await eventually(lambda: [line["code"] for line in audited] == [None])
        staying = asyncio.create_task(call(url))
        await eventually(lambda: len(upstream.received) == len(["leaving", "staying"]))
        plugin.go_on()
        assert (await staying).code == HTTPStatus.OK
    assert plugin.runs == len(["at the start", "after the 401"])


async def test_a_plugin_that_hangs_is_waited_for_once_and_not_begun_again_beside_itself(
    tmp_path: Path, plugin: Plugin, clock: Clock, monkeypatch: pytest.MonkeyPatch, told: io.StringIO
) -> None:
    source = credential_source(write_kubeconfig(tmp_path / "k", "http://127.0.0.1:1", token=OLD), None)
    await source.current()
    executing(plugin.says(token=NEW).user, tmp_path)
    monkeypatch.setattr(credentials, "READING_DEADLINE_SECONDS", 0.05)
    plugin.hang()
    clock.ahead += configuration.REREAD_SECONDS
    for _ in range(3):
        old = await source.current()
        assert old.authorization == f"Bearer {OLD}"
        assert (await source.renewed(old)) is old
        clock.ahead += credentials.RETRY_SECONDS
    overdue = "could not be read again: no answer within 0.05 s"
    await eventually(lambda: overdue in told.getvalue())
    plugin.go_on()
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while (await source.current()).authorization != f"Bearer {NEW}":
            await asyncio.sleep(0.01)
    assert told.getvalue().count(overdue) == plugin.runs == 1


async def test_a_first_reading_that_hangs_is_an_error_and_closing_gives_it_up(
    monkeypatch: pytest.MonkeyPatch, told: io.StringIO
) -> None:
    async def never() -> credentials.Credentials:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(credentials, "READING_DEADLINE_SECONDS", 0.05)
    source = credentials.CredentialSource(never, "somewhere")
    with pytest.raises(CredentialsError, match=r"^the credentials of somewhere cannot be read: no answer within"):
        await source.current()
    await source.close()
    assert "could not be read again" not in told.getvalue()


async def test_a_plugin_without_an_expiry_runs_once_for_many_requests(
    tmp_path: Path, start_service: StartService, call: Call, plugin: Plugin, clock: Clock
) -> None:
    plugin.says(token=OLD)
    async with Upstream(accepting(OLD)) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, **plugin.user))
        for _ in range(3):
            assert (await call(url)).code == HTTPStatus.OK
            clock.ahead += 24 * 3600
    assert plugin.runs == 1


async def test_a_plugin_with_an_expiry_runs_again_shortly_before_it(
    tmp_path: Path, start_service: StartService, call: Call, plugin: Plugin, clock: Clock
) -> None:
    plugin.says(token=OLD, expirationTimestamp=in_an_hour(clock))
    async with Upstream(ok) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, **plugin.user))
        plugin.says(token=NEW, expirationTimestamp=in_an_hour(clock, hours=2))
        for _ in range(3):
            await call(url)
        assert plugin.runs == 1
        clock.ahead += 3600 - configuration.EXPIRY_MARGIN_SECONDS
        for _ in range(3):
            await call(url)
        assert plugin.runs == len(["first", "second"])
    assert authorizations(upstream) == [f"Bearer {OLD}"] * 3 + [f"Bearer {NEW}"] * 3


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_plugin_runs_again_after_a_401_and_the_request_succeeds(
    tmp_path: Path, start_service: StartService, call: Call, plugin: Plugin, no_pause: None, method: str
) -> None:
    plugin.says(token=OLD)
    async with Upstream(accepting(NEW)) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, **plugin.user))
        plugin.says(token=NEW)
        body = MANIFEST if method == "POST" else None
        assert (await call(url, method, JOBS if method == "POST" else JOB, body)).code == HTTPStatus.OK
    assert authorizations(upstream) == [f"Bearer {OLD}", f"Bearer {NEW}"]
    assert plugin.runs == len(["at the start", "after the 401"])


async def test_credentials_that_cannot_be_read_again_are_used_on_and_the_log_says_so(
    tmp_path: Path, start_service: StartService, call: Call, clock: Clock, told: io.StringIO
) -> None:
    async with Upstream(ok) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, token=OLD))
        (tmp_path / "kubeconfig").write_text(f"users: [{{name: u, token: {NEW}\n\t")
        for _ in range(3):
            clock.ahead += configuration.REREAD_SECONDS
            assert (await call(url)).code == HTTPStatus.OK
        assert told.getvalue().count("could not be read again: it is not YAML") == 3
        await call(url)
        assert told.getvalue().count("could not be read again") == 3, "not with each request"
        upstream.kubeconfig(tmp_path, token=NEW)
        clock.ahead += credentials.RETRY_SECONDS
        await call(url)
    assert authorizations(upstream) == [f"Bearer {OLD}"] * 4 + [f"Bearer {NEW}"]


# What is told of them.


async def refused(kubeconfig: str | None, context: str | None = None) -> str:
    """Return the one line with which the service refuses to start."""
    with pytest.raises(CredentialsError) as raised:
        await credential_source(kubeconfig, context).current()
    line = str(raised.value)
    assert len(line.splitlines()) == 1
    assert MARK not in line
    return line


def test_the_text_of_credentials_shows_no_secret() -> None:
    held = credentials.Credentials(
        server="https://a:1",
        authorization=f"Bearer {MARK}",
        ssl_context=False,
        trust_context=False,
        proxy=f"http://me:{MARK}@proxy:1",
        fresh_until=0.0,
    )
    for text in (repr(held), str(held), f"{held}"):
        assert MARK not in text
        assert "https://a:1" in text


CLUSTERS = [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}]
WHOLE: dict[str, object] = {
    "clusters": CLUSTERS,
    "contexts": [context_entry("x", "c", "u")],
    "users": [{"name": "u", "user": {"token": MARK}}],
    "current-context": "x",
}
MALFORMED: dict[str, object] = {
    "the token beside the user": WHOLE | {"users": [{"name": "u", "token": MARK}]},
    "a user that is a text": WHOLE | {"users": [{"name": "u", "user": MARK}]},
    "a user that is a list": WHOLE | {"users": [{"name": "u", "user": [MARK]}]},
    "a user without a name": WHOLE | {"users": [{"user": {"token": MARK}}]},
    "users that are a mapping": WHOLE | {"users": {"u": {"token": MARK}}},
    "users that are texts": WHOLE | {"users": [MARK]},
    "no context": WHOLE | {"contexts": []},
    "no current context": {key: value for key, value in WHOLE.items() if key != "current-context"},
    "a context without a cluster": WHOLE | {"contexts": [{"name": "x", "context": {"user": "u"}}]},
    "a cluster that is not there": WHOLE | {"clusters": []},
    "a cluster without a server": WHOLE | {"clusters": [{"name": "c", "cluster": {"token": MARK}}]},
    "a plugin without a command": WHOLE | {"users": [{"name": "u", "user": {"exec": {"env": MARK}}}]},
    "a plugin that is not there": WHOLE
    | {"users": [{"name": "u", "user": {"exec": {"apiVersion": "v1", "command": f"/{MARK}"}}}]},
    "a plugin with odd arguments": WHOLE
    | {"users": [{"name": "u", "user": {"exec": {"apiVersion": "v1", "command": "a", "args": {"a": MARK}}}}]},
    "a token file that is not there": WHOLE | {"users": [{"name": "u", "user": {"tokenFile": f"/{MARK}"}}]},
    "a text": MARK,
    "a list": [MARK],
    "nothing": None,
}


@pytest.mark.parametrize("what", MALFORMED)
async def test_a_kubeconfig_that_cannot_be_used_is_refused_in_one_line_without_its_secrets(
    tmp_path: Path, what: str
) -> None:
    (tmp_path / "k").write_text(yaml.safe_dump(MALFORMED[what]))
    assert str(tmp_path / "k") in await refused(str(tmp_path / "k"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f"users: [{{name: u, user: {{token: {MARK}".encode(), "it is not YAML"),
        (f"token: {MARK}\n\tx: y".encode(), "it is not YAML"),
        (f"token: *{MARK}".encode(), "it is not YAML"),
        (f"token: !!{MARK} x".encode(), "it is not YAML"),
        (MARK.encode() + b"\xff\xfe", ""),
        (MARK.encode() + b"\x00", ""),
    ],
)
async def test_a_kubeconfig_that_cannot_be_parsed_is_refused_in_one_line_without_its_text(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "k").write_bytes(content)
    assert (await refused(str(tmp_path / "k"))).endswith(reason)


@pytest.mark.parametrize("name", ["is-not-there", "directory"])
async def test_a_kubeconfig_that_is_no_file_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "directory").mkdir()
    assert f"{tmp_path / name} cannot be read: No such file" in await refused(str(tmp_path / name))


@pytest.mark.parametrize("key", ["certificate-authority-data", "client-certificate-data", "client-key-data"])
async def test_an_inline_key_that_is_none_is_refused_without_being_quoted(
    tmp_path: Path, authority: Authority, key: str
) -> None:
    pair = authority.client("job-api")
    entries = {
        "certificate-authority-data": inline(authority.ca_file),
        "client-certificate-data": inline(pair.certificate),
        "client-key-data": inline(pair.key),
    } | {key: base64.b64encode(MARK.encode()).decode()}
    await refused(write_kubeconfig(tmp_path / "k", "https://127.0.0.1:1", entries, **entries))


def says(what: object) -> str:
    return f"echo '{json.dumps(what)}'"


@pytest.mark.parametrize(
    "script",
    [
        f"echo {MARK} >&2; exit 3",
        f"echo Expected key {MARK} >&2; exit 3",
        f"echo {MARK}",
        says({"apiVersion": MARK, "kind": "ExecCredential", "status": {}}),
        says({"token": MARK}),
        says({"apiVersion": "v1", "kind": "E", "status": {"token": "a", "expirationTimestamp": MARK}}),
        says({"apiVersion": "v1", "kind": "E", "status": {"clientCertificateData": MARK}}),
        says({"apiVersion": "v1", "kind": "E", "status": {"toke": MARK}}),
        says({"apiVersion": "v1", "kind": "E", "status": MARK}),
    ],
)
async def test_what_a_failing_plugin_says_is_not_told(tmp_path: Path, script: str) -> None:
    plugin = {"apiVersion": "v1", "command": "/bin/sh", "args": ["-c", script]}
    line = await refused(write_kubeconfig(tmp_path / "k", "http://127.0.0.1:1", exec=plugin))
    assert ("exec: process returned 3" in line) == ("exit 3" in script)


async def test_an_encrypted_client_key_is_refused_and_nobody_is_asked_for_its_password(
    tmp_path: Path, authority: Authority
) -> None:
    pair = authority.client("job-api")
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(MARK.encode())
    form = serialization.PrivateFormat.PKCS8
    pair.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))
    cluster = {"certificate-authority": str(authority.ca_file)}
    files = {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}
    await refused(write_kubeconfig(tmp_path / "k", "https://127.0.0.1:1", cluster, **files))


@pytest.mark.parametrize(
    "server",
    ["", "127.0.0.1:6443", "ftp://127.0.0.1", "HTTPS://127.0.0.1", "https://", "unix:///run/k", "https:127.0.0.1"],
)
async def test_a_server_that_is_no_plain_url_is_refused_at_the_start(tmp_path: Path, server: str) -> None:
    """The library takes HTTPS:// for plain http and gives it no CA, and a missing server for http://localhost."""
    assert "server" in await refused(write_kubeconfig(tmp_path / "k", server, token=MARK))


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "127.0.0.1:1", f"ftp://me:{MARK}@127.0.0.1"])
async def test_a_proxy_of_a_kind_that_is_not_spoken_is_refused_at_the_start(tmp_path: Path, proxy: str) -> None:
    cluster = {"proxy-url": proxy}
    assert "proxy-url" in await refused(write_kubeconfig(tmp_path / "k", "http://a:1", cluster, token=MARK))


@pytest.mark.parametrize("entry", [{"as": "someone-with-fewer-rights"}, {"as-groups": ["g"]}, {"as-uid": "1"}])
async def test_a_user_that_impersonates_another_is_refused_rather_than_used_with_its_own_rights(
    tmp_path: Path, entry: dict[str, object]
) -> None:
    assert "impersonat" in await refused(executing({"token": MARK} | entry, tmp_path))


# How the connection is made.


@asynccontextmanager
async def counting_listener() -> AsyncIterator[SimpleNamespace]:
    """Listen, and count who comes."""
    counted = SimpleNamespace(connections=0)

    def on_connection(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counted.connections += 1
        writer.close()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    async with server:
        counted.url = f"http://me:{MARK}@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield counted


async def test_the_environments_proxies_and_netrc_are_not_followed(
    tmp_path: Path,
    start_service: StartService,
    call: Call,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login me password {MARK}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    cluster = {"certificate-authority": str(authority.ca_file)}
    plain, secure = new_directory(tmp_path / "plain"), tmp_path / "secure"
    async with (
        counting_listener() as proxy,
        Upstream(ok) as http_upstream,
        TlsUpstream(ok, authority.serving("s")) as https_upstream,
    ):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        for kubeconfig in (
            http_upstream.kubeconfig(plain),
            write_kubeconfig(secure, https_upstream.url, cluster),
        ):
            assert (await call(await start_service(kubeconfig=kubeconfig))).code == HTTPStatus.OK
        assert proxy.connections == 0
    assert authorizations(http_upstream) + authorizations(https_upstream) == [None, None]


async def test_the_proxy_url_of_a_kubeconfig_is_followed(
    tmp_path: Path, start_service: StartService, call: Call
) -> None:
    async with Upstream(ok) as proxy:
        cluster = {"proxy-url": proxy.url}
        kubeconfig = write_kubeconfig(tmp_path / "k", "http://apiserver.invalid:6443", cluster, token=OLD)
        assert (await call(await start_service(kubeconfig=kubeconfig))).code == HTTPStatus.OK
    (request,) = proxy.received
    assert request.target.startswith("http://apiserver.invalid:6443/apis/batch/v1/namespaces/default/jobs/x")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed_and_is_503(
    tmp_path: Path, start_service: StartService, call: Call, method: str, code: int
) -> None:
    async with Upstream(ok) as elsewhere:

        async def answer(_: Received) -> bytes:
            return http(code, headers={"Location": elsewhere.url + "/"})

        async with Upstream(answer) as upstream:
            url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, token=OLD))
            body = MANIFEST if method == "POST" else None
            answered = await call(url, method, JOBS if method == "POST" else JOB, body)
            assert (answered.code, answered.status["code"]) == (503, 503)
            assert answered.status["reason"] == "ServiceUnavailable"
            assert "Location" not in answered.headers
            assert elsewhere.url not in answered.body.decode()
    assert (len(upstream.received), len(elsewhere.received)) == (1, 0)


async def test_a_cookie_of_the_apiserver_is_neither_kept_nor_relayed(
    tmp_path: Path, start_service: StartService, call: Call
) -> None:
    async def answer(_: Received) -> bytes:
        return http(200, b"{}", {"Content-Type": "application/json", "Set-Cookie": f"session={MARK}; Path=/"})

    async with Upstream(answer) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path))
        for _ in range(2):
            assert "Set-Cookie" not in (await call(url)).headers
    assert [request.headers.get("Cookie") for request in upstream.received] == [None, None]


async def test_the_serving_certificate_must_carry_the_tls_server_name_where_one_is_given(
    tmp_path: Path, start_service: StartService, call: Call, authority: Authority
) -> None:
    ca = {"certificate-authority": str(authority.ca_file)}
    async with TlsUpstream(ok, authority.serving("s")) as upstream:
        named = write_kubeconfig(tmp_path / "a", upstream.url, ca | {"tls-server-name": "kubernetes.default"})
        assert (await call(await start_service(kubeconfig=named))).code == HTTPStatus.OK
        misnamed = write_kubeconfig(tmp_path / "b", upstream.url, ca | {"tls-server-name": "elsewhere"})
        assert is_service_unavailable(await call(await start_service(kubeconfig=misnamed)))
    assert upstream.names == ["kubernetes.default", "elsewhere"]
    assert len(upstream.received) == 1


async def test_insecure_skip_tls_verify_skips_it(
    tmp_path: Path, start_service: StartService, call: Call, authority: Authority
) -> None:
    cluster = {"insecure-skip-tls-verify": True, "tls-server-name": "elsewhere"}
    async with TlsUpstream(ok, authority.serving("s")) as upstream:
        kubeconfig = write_kubeconfig(tmp_path / "k", upstream.url, cluster, token=OLD)
        assert (await call(await start_service(kubeconfig=kubeconfig))).code == HTTPStatus.OK


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "trust", ["the system's authorities", "another authority", "with a name that is not its own"]
)
async def test_a_certificate_that_cannot_be_verified_is_503_and_sees_no_credentials(
    tmp_path: Path,
    start_service: StartService,
    call: Call,
    authority: Authority,
    told: io.StringIO,
    trust: str,
    method: str,
) -> None:
    other = Authority(new_directory(tmp_path / "other"))
    clusters: dict[str, dict[str, object]] = {
        "the system's authorities": {},
        "another authority": {"certificate-authority": str(other.ca_file)},
        "with a name that is not its own": {
            "certificate-authority": str(authority.ca_file),
            "tls-server-name": "elsewhere",
        },
    }
    async with TlsUpstream(ok, authority.serving("s")) as upstream:
        kubeconfig = write_kubeconfig(tmp_path / "k", upstream.url, clusters[trust], token=OLD)
        body = MANIFEST if method == "POST" else None
        path = JOBS if method == "POST" else JOB
        answered = await call(await start_service(kubeconfig=kubeconfig), method, path, body)
        assert is_service_unavailable(answered)
        assert answered.status["message"] == "the apiserver cannot be reached"
        for text in (answered.body.decode(), told.getvalue()):
            assert str(upstream.port) not in text
            assert "verify failed" not in text
    assert upstream.received == []


async def test_certificates_without_an_authority_key_identifier_are_not_refused_for_it(
    tmp_path: Path, authority: Authority
) -> None:
    cluster = {"certificate-authority": str(authority.ca_file)}
    read = await credential_source(write_kubeconfig(tmp_path / "k", "https://a:1", cluster), None).current()
    assert isinstance(read.ssl_context, ssl.SSLContext)
    assert not read.ssl_context.verify_flags & ssl.VERIFY_X509_STRICT
    assert read.ssl_context.check_hostname
    assert read.ssl_context.verify_mode is ssl.CERT_REQUIRED
