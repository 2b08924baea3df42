"""No token, no cookie and no body is ever in the log, at any level, whatever goes wrong with the request."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import msgspec
import pytest
from yarl import URL

from tests.contract.paths import job, jobs
from tests.processes import RunService
from tests.upstream import Received, Upstream, json_answer
from tests.waiting import WATCHDOG_SECONDS, eventually

SECRET = "s3cr3t-4nd-n0b0dy-5-bu51n355"
HEADERS = {"Authorization": f"Bearer {SECRET}", "Cookie": f"session={SECRET}", "Idempotency-Key": SECRET}
MANIFEST = f"{{apiVersion: batch/v1, kind: Job, metadata: {{name: one, annotations: {{a: {SECRET}}}}}}}".encode()
BODIES = (
    MANIFEST,
    b'"' + SECRET.encode() * 5_000,
    f"kind: {SECRET}\n".encode(),
    f"a: !{SECRET} b\n".encode(),
    f"{SECRET}: &{SECRET} *{SECRET}\n".encode(),
    SECRET.encode() + b"\xff\xfe\x00",
)
# Requests that never reach a route, and one whose body never comes whole.
RAW = (
    f"GET /livez HTTP/1.1\r\nHost: localhost\r\nAuthorization {SECRET}\r\n\r\n",
    f"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: {SECRET}{'x' * 40_000}\r\n\r\n",
    f"{SECRET} / HTTP/1.1\r\n\r\n",
    f"GET / HTTP/{SECRET}\r\n\r\n",
    f"POST {jobs('a')} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{SECRET}",
    f"POST {jobs('a')} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\r\nContent-Length: 999\r\n"
    f"\r\n{MANIFEST.decode()}",
)


async def answer(request: Received) -> bytes | None:
    """Answer as an apiserver that knows the caller and then fails: with secrets in its answers, or with none."""
    if request.target == "/readyz":
        return json_answer(200, b"ok")
    if request.target.endswith("tokenreviews"):
        user = {"username": "somebody", "extra": {"a": [SECRET]}}
        return json_answer(201, msgspec.json.encode({"status": {"authenticated": True, "user": user}}))
    if request.target.endswith("accessreviews"):
        return json_answer(201, msgspec.json.encode({"status": {"allowed": True}}))
    if request.method == "GET" and "/jobs/" in request.target:
        return json_answer(500, SECRET.encode())
    return (
        None if request.method == "POST" else json_answer(200, b'{"kind":"JobList","items":["%s' % SECRET.encode())
    )


@pytest.mark.parametrize(
    ("mode", "form"), [("none", "json"), ("delegated", "console"), ("passthrough", "json")], ids=str
)
async def test_no_secret_is_in_the_log(
    run: RunService, http_client: aiohttp.ClientSession, tmp_path: Path, mode: str, form: str
) -> None:
    arguments = (f"--auth-mode={mode}", f"--log-format={form}", "--log-level=debug", "--cache=true")
    async with Upstream(answer) as upstream:
        kubeconfig = upstream.kubeconfig(tmp_path, token=f"{SECRET}-of-ours")
        async with run(*arguments, f"--kubeconfig={kubeconfig}", PYTHONASYNCIODEBUG="1") as service:
            await eventually(lambda: any("http://127.0.0.1:" in line for line in service.written))
            url = next(word for line in service.written for word in _words(line) if word.startswith("http://127."))
            for body in BODIES:
                await call(http_client, "POST", url + jobs("a"), body)
                await call(http_client, "DELETE", url + job("a", "one"), body)
            for path in (job("a", "one"), jobs("a"), f"{jobs('a')}?watch=true", f"{job('a', 'one')}/wait", "/no"):
                await call(http_client, "GET", url + path)
            await call(http_client, "GET", f"{url}{jobs('a')}?token={SECRET}")
            await call(http_client, "GET", url + jobs("a"), headers={"Impersonate-User": SECRET, **HEADERS})
            await call(http_client, "GET", url + jobs("a"), headers={"Authorization": f"Basic {SECRET}"})
            for request in RAW:
                await send(url, request.encode())
            service.signal(signal.SIGINT)
            assert await service.code() == 0
    assert len(service.written) > len(BODIES) * 2 + len(RAW), "there is a log"
    told = [line for line in service.written if SECRET in line]
    assert not told


def _words(line: str) -> list[str]:
    return line.replace('"', " ").replace("url=", " ").replace("\x1b", " ").split()


async def call(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> None:
    """Call, and let whatever happens happen."""
    try:
        async with session.request(
            method, URL(url, encoded=True), data=body, headers=headers or HEADERS, allow_redirects=False
        ) as response:
            await response.read()
    except (aiohttp.ClientError, OSError):
        pass


async def send(url: str, request: bytes) -> None:
    """Send bytes, take what comes first, and hang up."""
    async with asyncio.timeout(WATCHDOG_SECONDS):
        reader, writer = await asyncio.open_connection(URL(url).host, URL(url).port)
        writer.write(request)
        writer.write_eof()
        await reader.read(1)
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
