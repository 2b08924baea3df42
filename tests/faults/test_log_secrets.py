"""No token, no cookie and no body is in any log, whatever goes wrong, and however much is logged.

Everything that is secret here holds the same marker. Python's own event loop is as talkative as it can be: in its
debug mode, with every callback taken for a slow one, and so shown.
"""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.callers import Caller
from tests.contract.paths import job, jobs
from tests.processes import ROOT, environment
from tests.upstream import Received, Upstream, http, json_answer
from tests.waiting import WATCHDOG_SECONDS, eventually

# Ten seconds of requests; the fast tests have a shorter one of their own.
pytestmark = pytest.mark.cluster

MARK = "s3cr3t"
TALKATIVE = """
import asyncio, sys
class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        loop = super().new_event_loop()
        loop.set_debug(True)
        loop.slow_callback_duration = 0.0
        return loop
asyncio.set_event_loop_policy(Policy())
from service.__main__ import main
sys.exit(main())
"""
JOBS, JOB = jobs("default"), job("default", "x")
CREDENTIALS = {
    "Authorization": f"Bearer {MARK}",
    "Proxy-Authorization": f"Basic {MARK}",
    "Cookie": f"session={MARK}; {MARK}",
    "Impersonate-User": MARK,
    "X-Remote-User": MARK,
    "Referer": f"http://localhost/?token={MARK}",
    "User-Agent": MARK,
}
BODIES = (
    f"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: x, annotations: {{a: {MARK}}}}}\n",
    f"apiVersion: batch/v1\nkind: {MARK}\nmetadata: {{name: x}}\n",
    f"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: x, namespace: {MARK}}}\n",
    f"{MARK}: [",
    f"*{MARK}",
    f"!!{MARK} x",
    f"a: {MARK}\n---\nb: {MARK}",
    f'{{"{MARK}": "{MARK}"',
    f'{{"{MARK}": 1, "{MARK}": 2}}',
    f"{MARK}\udcff",
    MARK,
)
# What no client sends, but somebody with a socket does.
RAW = tuple(
    text.replace("\n", "\r\n").encode("utf-8", "surrogateescape")
    for text in (
        f"{MARK}\n\n",
        f"{MARK} /livez HTTP/1.1\nHost: localhost\n\n",
        f"GET /livez {MARK}\nHost: localhost\n\n",
        f"GET /livez?{MARK} HTTP/9.9\nHost: localhost\n\n",
        f"GET http://user:{MARK}@localhost/livez HTTP/1.1\nHost: localhost\n\n",
        f"GET http://[{MARK}/livez HTTP/1.1\nHost: localhost\n\n",
        f"GET /livez#{MARK} HTTP/1.1\nHost: localhost\nConnection: close\n\n",
        f"GET /livez HTTP/1.1\nHost: {MARK}\nConnection: close\n\n",
        f"GET /livez HTTP/1.1\nHost: localhost\nAuthorization {MARK}\n\n",
        f"GET /livez HTTP/1.1\nHost: localhost\nAuthorization: {MARK}\0\n\n",
        f"GET /livez HTTP/1.1\nHost: localhost\nAuthorization : {MARK}\n\n",
        f"GET /livez HTTP/1.1\nHost: localhost\nX: y\n {MARK}\n\n",
        f"GET /livez HTTP/1.1\nHost: localhost\n{MARK}\udcff: {MARK}\udcff\nConnection: close\n\n",
        f"GET /livez HTTP/1.1\nHost: localhost\nAuthorization: {MARK}{'x' * 40_000}\n\n",
        f"GET /livez HTTP/1.1\nHost: localhost\nExpect: {MARK}\nConnection: close\n\n",
        f"GET /livez HTTP/1.1\nHost: localhost\nConnection: upgrade\nUpgrade: websocket\n{MARK}: {MARK}\n\n{MARK}",
        f"GET /livez HTTP/1.1\nHost: localhost\nAuthorization: {MARK}",
        f"POST {JOBS} HTTP/1.1\nHost: localhost\nContent-Length: {MARK}\n\n{MARK}",
        f"POST {JOBS} HTTP/1.1\nHost: localhost\nContent-Length: 1000\n\n{MARK}",
        f"POST {JOBS} HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n6\n{MARK}\n{MARK}\n",
        f"POST {JOBS} HTTP/1.1\nHost: localhost\nTransfer-Encoding: {MARK}\n\n{MARK}",
        f"PRI * HTTP/2.0\n\nSM\n\n{MARK}",
        f"\x16\x03\x01{MARK}\n\n",
    )
)
SECRET = MARK.encode()
HEADERS = {"Set-Cookie": f"{MARK}={MARK}", "Location": f"http://{MARK}.example/", "Warning": f'299 - "{MARK}"'}
REFUSAL = http(401, SECRET, {**HEADERS, "WWW-Authenticate": MARK})
# What no apiserver answers, but something in between may.
ANSWERS = (
    b"",
    json_answer(200, SECRET),
    json_answer(200, b'{"kind":"%b","metadata":{"name":"%b"}}' % (SECRET, SECRET)),
    json_answer(500, b'{"kind":"Status","message":"%b","code":500}' % SECRET),
    http(502, b"<html>%b</html>" % SECRET, {"Content-Type": "text/html"}),
    http(302, SECRET, HEADERS),
    REFUSAL,
    http(200, SECRET, {"Set-Cookie": f"{MARK}[]{MARK}=\"{MARK}; {MARK}", "Content-Type": MARK}),
    http(200, SECRET, {"Content-Length": "1000"}, length=False),
    http(200, SECRET, {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}, length=False),
    http(200, SECRET, {"Content-Encoding": MARK}),
    b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % SECRET,
    b"HTTP/1.1 %b\r\n\r\n" % SECRET,
    SECRET + b"\r\n\r\n",
)  # fmt: skip


# What is known from the second time on.
KNOWN = (
    (json_answer(200, SECRET), f"GET {JOB} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()),
    (
        json_answer(201, SECRET),
        f"POST {JOBS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(BODIES[0])}\r\n\r\n{BODIES[0]}".encode(),
    ),
)


def url_in(log: Path) -> str | None:
    found = re.search(r"http://127\.0\.0\.1:\d+(?=\D)", log.read_text())
    return found and found[0]


def tells_of_a_reading(log: Path) -> bool:
    return "could not be read again" in log.read_text()


@asynccontextmanager
async def logging_all(directory: Path, log: Path, *arguments: str) -> AsyncIterator[str]:
    """Run the service as a process that logs all that it can, and let it end by itself; yields its URL."""
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", TALKATIVE, "--listen=127.0.0.1:0", "--log-level=debug"),
            *arguments,
            cwd=ROOT,
            env=environment(directory),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield await eventually(lambda: url_in(log))
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(WATCHDOG_SECONDS):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def send(url: str, request: bytes) -> None:
    """Send bytes, end what is sent, and take what comes back."""
    address = URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        async with asyncio.timeout(WATCHDOG_SECONDS):
            writer.write(request)
            writer.write_eof()
            await reader.read()
    except OSError:
        pass  # it was cut, which is an answer too
    finally:
        writer.close()


async def ask(url: str, request: bytes) -> None:
    """Send bytes, and wait for the answer's end, which is the marker."""
    address = URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    async with asyncio.timeout(WATCHDOG_SECONDS):
        writer.write(request)
        await reader.readuntil(SECRET)
    writer.close()


async def and_hang_up(answer: bytes) -> AsyncIterator[bytes]:
    yield answer


def spoil(kubeconfig: str) -> None:
    Path(kubeconfig).write_text(f"users: [{MARK}")


async def call_in_every_way(api: Caller) -> None:
    """Call with secrets wherever there is room for them."""
    for method, path in (
        ("GET", "/livez"),
        ("GET", f"/livez?token={MARK}"),
        ("GET", f"{JOB}?access_token={MARK}"),
        ("GET", f"{JOBS}?limit={MARK}&labelSelector=%FF{MARK}"),
        ("GET", f"{JOBS}?continue={MARK}&limit=1"),
        ("GET", f"{JOBS}?watch=true&timeoutSeconds=1&resourceVersion={MARK}"),
        ("GET", "/no-such-route"),
        ("PUT", JOB),
        ("GET", f"{JOB}/wait?for={MARK}"),
    ):
        await api(method, path)
    for name in ("Last-Event-ID", "If-None-Match", "Accept", "Content-Type", "Content-Encoding", "Origin"):
        await attempt(api, "GET", JOB, {name: f"{MARK}/{MARK}"})
        await attempt(api, "POST", JOBS, {name: f"{MARK}/{MARK}"}, BODIES[0])
    for body in BODIES:
        await attempt(api, "POST", JOBS, {}, body)
        await attempt(api, "DELETE", JOB, {}, body)


async def attempt(api: Caller, method: str, path: str, headers: dict[str, str], body: str | None = None) -> None:
    with suppress(aiohttp.ClientError):  # an answer that breaks off after its headers
        await api(method, path, None if body is None else body.encode("utf-8", "surrogateescape"), headers)


@pytest.mark.parametrize("log_format", ["json", "console"])
async def test_no_secret_is_ever_logged(
    tmp_path: Path, http_client: aiohttp.ClientSession, log_format: str
) -> None:
    log = tmp_path / "log"
    answers = cycle(ANSWERS)

    async def answer(request: Received) -> AsyncIterator[bytes]:
        return and_hang_up(next(answers))

    async with Upstream(answer) as upstream:
        kubeconfig = upstream.kubeconfig(tmp_path, token=MARK)
        async with logging_all(tmp_path, log, f"--log-format={log_format}", f"--kubeconfig={kubeconfig}") as url:
            api = Caller(http_client, url, CREDENTIALS)
            await call_in_every_way(api)
            for method, path, body in (
                ("GET", JOB, None),
                ("GET", JOBS, None),
                ("GET", f"{JOBS}?watch=true&timeoutSeconds=1", None),
                ("GET", f"{JOB}/wait?timeoutSeconds=1", None),
                ("POST", JOBS, BODIES[0]),
                ("DELETE", JOB, None),
            ):
                for _ in ANSWERS:
                    await attempt(api, method, path, {}, body)
            for request in RAW:
                await send(url, request)
            for answer_to_known, request in KNOWN:
                answers = cycle([answer_to_known])
                for _ in range(3):
                    await ask(url, request)
            spoil(kubeconfig)
            answers = cycle([REFUSAL])  # which lets it be read again
            async with asyncio.timeout(WATCHDOG_SECONDS):
                while not tells_of_a_reading(log):
                    await attempt(api, "GET", JOB, {})
    text = log.read_text()
    assert "Executing <" in text, "the event loop is not as talkative as it can be"
    assert "a bug" not in text
    assert text.count("/livez") > len(RAW) / 2
    assert not [line for line in text.splitlines() if MARK in line]
