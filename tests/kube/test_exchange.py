"""What goes over the wire to the apiserver, byte for byte, and how it gets there."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.callers import Caller, assert_is_status, raw_exchange
from tests.cluster.certificates import Authority
from tests.conftest import StartService
from tests.kube.test_client import JOB, JOBS, MANIFEST
from tests.kube.tls_upstream import TlsUpstream
from tests.upstream import Received, Upstream, http, json_answer, write_kubeconfig

LOGIN = "Basic " + base64.b64encode(b"me:open sesame").decode()


async def ok(_: Received) -> bytes:
    return json_answer(200, b'{"kind":"Job"}')


@asynccontextmanager
async def tunnels(asked: list[str]) -> AsyncIterator[str]:
    """Run an HTTP proxy that opens the tunnels it is asked for, and keeps what it is asked in."""

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while piece := await source.read(65536):
            target.write(piece)
        target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        host, port = asked[-1].split()[1].split(":")
        there = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(copy(reader, there[1]), copy(there[0], writer), return_exceptions=True)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_proxy_is_told_the_whole_url_and_its_own_password(
    tmp_path: Path, start_service: StartService, http_client: aiohttp.ClientSession
) -> None:
    async with Upstream(ok) as proxy:
        address = proxy.url.replace("//", "//me:open%20sesame@")
        server = "http://apiserver.invalid:6443/behind/a/path"
        kubeconfig = write_kubeconfig(tmp_path / "k", server, {"proxy-url": address}, token="a-token")
        api = Caller(http_client, await start_service(kubeconfig=kubeconfig), {})
        assert [(await api("GET", JOB)).status, (await api("GET", JOB)).status] == [200, 200]
    for request in proxy.received:
        assert request.target == f"{server}/apis/batch/v1/namespaces/default/jobs/one"
        assert request.headers.getall("Proxy-Authorization") == [LOGIN]
        assert request.headers["Authorization"] == "Bearer a-token"
        assert request.headers["Host"] == "apiserver.invalid:6443"


async def test_an_apiserver_with_tls_is_reached_through_a_tunnel(
    tmp_path: Path, start_service: StartService, http_client: aiohttp.ClientSession
) -> None:
    authority = Authority(tmp_path)
    asked: list[str] = []
    async with TlsUpstream(ok, authority.serving("s")) as upstream, tunnels(asked) as proxy:
        address = upstream.url.removeprefix("https://")
        cluster = {"proxy-url": f"http://me:open%20sesame@{proxy}", "certificate-authority": str(authority.ca_file)}
        kubeconfig = write_kubeconfig(tmp_path / "k", upstream.url, cluster, token="a-token")
        api = Caller(http_client, await start_service(kubeconfig=kubeconfig), {})
        assert [(await api("GET", JOB)).status, (await api("GET", JOB)).status] == [200, 200]
    (tunnel,) = asked
    assert tunnel.startswith(f"CONNECT {address} HTTP/1.1\r\n")
    assert f"Proxy-Authorization: {LOGIN}\r\n" in tunnel
    assert "a-token" not in tunnel
    for request in upstream.received:
        assert request.target == "/apis/batch/v1/namespaces/default/jobs/one"
        assert "Proxy-Authorization" not in request.headers


async def test_a_server_may_have_a_path(
    tmp_path: Path, start_service: StartService, http_client: aiohttp.ClientSession
) -> None:
    async with Upstream(ok) as upstream:
        kubeconfig = write_kubeconfig(tmp_path / "k", f"{upstream.url}/k8s/clusters/one/")
        api = Caller(http_client, await start_service(kubeconfig=kubeconfig), {})
        assert (await api("GET", JOB)).status == 200
    assert [each.target for each in upstream.received] == [
        "/k8s/clusters/one/apis/batch/v1/namespaces/default/jobs/one"
    ]


async def test_only_what_the_service_means_to_say_is_said(
    tmp_path: Path, start_service: StartService, http_client: aiohttp.ClientSession
) -> None:
    async with Upstream(ok) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path, token="a-token"))
        await Caller(http_client, url, {})("POST", JOBS, MANIFEST)
        request = f"GET {JOB} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: a=b\r\n\r\n".encode()
        assert (await raw_exchange(url, request)).startswith(b"HTTP/1.1 200 ")
    post, get = upstream.received
    assert sorted(get.headers) == ["Authorization", "Host", "User-Agent"]
    assert post.body == MANIFEST
    assert post.headers["Content-Length"] == str(len(MANIFEST))
    assert post.headers["Content-Type"] == "application/json"


async def test_a_header_whose_bytes_are_no_text_goes_upstream_as_it_came(
    tmp_path: Path, start_service: StartService
) -> None:
    async with Upstream(ok) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path))
        head = (
            f"GET {JOB} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\ntracestate: ".encode()
            + b"a=\xff\r\n\r\n"
        )
        assert (await raw_exchange(url, head)).startswith(b"HTTP/1.1 200 ")
    assert upstream.received[0].headers["tracestate"].encode(errors="surrogateescape") == b"a=\xff"


async def test_what_comes_before_the_answer_is_passed_over(
    tmp_path: Path, start_service: StartService, http_client: aiohttp.ClientSession
) -> None:
    async def answer(_: Received) -> bytes:
        early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
        return early.encode() + json_answer(200, b'{"kind":"Job"}')

    async with Upstream(answer) as upstream:
        api = Caller(http_client, await start_service(kubeconfig=upstream.kubeconfig(tmp_path)), {})
        for _ in range(2):
            answered = await api("GET", JOB)
            assert (answered.status, answered.body) == (200, b'{"kind":"Job"}')


@pytest.mark.parametrize(
    "nonsense",
    [b"this is no HTTP at all\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\n\r\n"],
    ids=["no HTTP", "an upgrade"],
)
async def test_what_is_no_answer_is_503_and_its_connection_is_not_kept(
    tmp_path: Path, start_service: StartService, http_client: aiohttp.ClientSession, nonsense: bytes
) -> None:
    answers = [nonsense, http(200, b"{}")]

    async def answer(_: Received) -> bytes:
        return answers.pop(0)

    async with Upstream(answer) as upstream:
        api = Caller(http_client, await start_service(kubeconfig=upstream.kubeconfig(tmp_path)), {})
        assert_is_status(await api("GET", JOB), 503, "ServiceUnavailable")
        assert (await api("GET", JOB)).status == 200
