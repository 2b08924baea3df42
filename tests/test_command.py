"""`python -m service` as a process: how it starts, what it logs, and how it ends."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from service.settings import Settings
from tests.processes import COMMAND, ROOT, RunService, environment
from tests.upstream import Received, Upstream, json_answer, write_kubeconfig
from tests.waiting import WATCHDOG_SECONDS, eventually

MARK = "s3cr3t"
JOBS = "/api/v1/_raw/job/namespace/default"
JOB = JOBS + "/name/x"
MANIFEST = b"apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\n"
# No test waits for its end: a grace or a drain that must not run out.
LONG = "3600"


# Starts that end by themselves.


@dataclass(frozen=True, slots=True)
class Start:
    arguments: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


STARTS = {
    "help": Start(["--help"]),
    "version": Start(["--version"]),
    "a bad flag": Start(["--listen", "0.0.0.0:8080"]),
    "a bad variable": Start([], {"JOB_API_LOG_LEVEL": "loud"}),
    "no kubeconfig anywhere": Start(["--listen", "127.0.0.1:0"]),
    "a kubeconfig that is not there": Start(["--listen", "127.0.0.1:0", "--kubeconfig", "is-not-there"]),
    "a kubeconfig that is no YAML": Start(["--listen", "127.0.0.1:0", "--kubeconfig", "no-yaml"]),
    "a kubeconfig that quotes its token": Start(["--listen", "127.0.0.1:0"], {"KUBECONFIG": "quoting"}),
    "a certificate that is none": Start(
        ["--listen", "127.0.0.1:TAKEN", "--kubeconfig", "usable", "--tls-cert-file=usable"],
        {"JOB_API_TLS_PRIVATE_KEY_FILE": "usable"},
    ),
    "a port that is taken": Start(["--listen", "127.0.0.1:TAKEN", "--kubeconfig", "usable", "--cache=false"]),
    "a port that is taken and a bad setting": Start(["--listen", "127.0.0.1:TAKEN", "--kubeconfig", "no-yaml"]),
}
REFUSED_WITH_2 = [
    "a bad flag",
    "a bad variable",
    "no kubeconfig anywhere",
    "a kubeconfig that is not there",
    "a kubeconfig that is no YAML",
    "a kubeconfig that quotes its token",
    "a certificate that is none",
    "a port that is taken and a bad setting",
]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Ended]]:
    """Run every start of the table, two at a time."""
    directory = tmp_path_factory.mktemp("starts")
    (directory / "no-yaml").write_text(f"users: [{MARK}")
    quoting = write_kubeconfig(directory / "quoting", "http://127.0.0.1:1", token=MARK)
    Path(quoting).write_text(Path(quoting).read_text().replace("  user:\n", "  usr:\n"))
    write_kubeconfig(directory / "usable", "http://127.0.0.1:1", token=MARK)
    with socket.create_server(("127.0.0.1", 0)) as taken, ThreadPoolExecutor(2) as pool:
        port = str(taken.getsockname()[1])

        def run(start: Start) -> Ended:
            done = subprocess.run(
                [*COMMAND, *(argument.replace("TAKEN", port) for argument in start.arguments)],
                env=environment(directory, {"PYTHONPATH": str(ROOT), **start.variables}),
                cwd=directory,
                capture_output=True,
                check=False,
                timeout=WATCHDOG_SECONDS,
            )
            return Ended(done.returncode, done.stdout.decode(), done.stderr.decode().replace(port, "TAKEN"))

        yield dict(zip(STARTS, pool.map(run, STARTS.values()), strict=True))


def test_help_is_printed_and_ends_well(ended: Mapping[str, Ended]) -> None:
    assert ended["help"].code == 0
    assert "JOB_API_LISTEN" in ended["help"].out
    assert ended["help"].err == ""


def test_version_is_printed_and_ends_well(ended: Mapping[str, Ended]) -> None:
    assert ended["version"].code == 0
    assert re.fullmatch(r"job-api \d\S*\n", ended["version"].out)
    assert ended["version"].err == ""


@pytest.mark.parametrize("what", REFUSED_WITH_2)
def test_what_the_service_cannot_be_started_with_is_one_line_and_code_2(
    what: str, ended: Mapping[str, Ended]
) -> None:
    assert (ended[what].code, ended[what].out) == (2, "")
    assert re.fullmatch(r"job-api: [^\n]+\n", ended[what].err)
    assert MARK not in ended[what].err


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("a bad flag", "--listen: '0.0.0.0:8080' is not a loopback address"),
        ("a bad variable", "JOB_API_LOG_LEVEL: 'loud'"),
        ("no kubeconfig anywhere", "give --kubeconfig, set KUBECONFIG, run in a pod"),
        ("a kubeconfig that is not there", "kubeconfig is-not-there cannot be read: No such file or directory"),
        ("a kubeconfig that is no YAML", "kubeconfig no-yaml cannot be read: it is not YAML"),
        ("a kubeconfig that quotes its token", "kubeconfig quoting cannot be read: Expected key user"),
        ("a certificate that is none", "usable and usable are no certificate and no unencrypted key, both as PEM"),
        ("a port that is taken and a bad setting", "kubeconfig no-yaml cannot be read"),
        ("a port that is taken", "cannot listen on 127.0.0.1:TAKEN: Address already in use"),
    ],
)
def test_the_line_says_what_is_wrong(what: str, named: str, ended: Mapping[str, Ended]) -> None:
    assert named in ended[what].err


def test_a_port_that_is_taken_is_one_line_and_code_1(ended: Mapping[str, Ended]) -> None:
    assert (ended["a port that is taken"].code, ended["a port that is taken"].out) == (1, "")
    assert re.fullmatch(r"job-api: [^\n]+\n", ended["a port that is taken"].err)


class Gate:
    """Answers what is asked of the apiserver: a Job only once it may, everything else at once."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.waiting = 0

    async def __call__(self, request: Received) -> bytes:
        if "/jobs" in request.target:
            self.waiting += 1
            await self.may_answer.wait()
        return json_answer(201 if request.method == "POST" else 200, b'{"kind":"Job","metadata":{"name":"x"}}')


@dataclass(frozen=True, slots=True)
class Answered:
    code: int
    headers: Mapping[str, str]
    body: bytes


async def get(client: aiohttp.ClientSession, url: str, headers: Mapping[str, str] | None = None) -> Answered:
    async with client.get(url, headers=headers) as response:
        return Answered(response.status, response.headers, await response.read())


async def no_longer_listens(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")

    def refused() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) != 0

    await eventually(refused)


async def test_after_sigterm_readyz_says_no_and_the_rest_is_served_until_a_second_one_ends_the_grace(
    tmp_path: Path, run: RunService, http_client: aiohttp.ClientSession
) -> None:
    gate = Gate()
    async with Upstream(gate) as upstream:
        kubeconfig = upstream.kubeconfig(tmp_path, token=MARK)
        async with run(
            "--shutdown-grace-seconds", LONG, "--shutdown-drain-seconds", LONG, KUBECONFIG=kubeconfig
        ) as it:
            url = await it.url()
            assert (await get(http_client, url + "/readyz")).code == 200
            in_flight = asyncio.create_task(get(http_client, url + JOB))
            await eventually(lambda: gate.waiting)

            it.signal(signal.SIGTERM)
            await eventually(lambda: it.events("shutting down"))
            unready = await get(http_client, url + "/readyz")
            assert (unready.code, unready.headers["Connection"]) == (503, "close")
            status = json.loads(unready.body)
            assert (status["kind"], status["reason"]) == ("Status", "ServiceUnavailable")
            assert [cause["reason"] for cause in status["details"]["causes"]] == ["shutdown"]
            assert (await get(http_client, url + "/livez")).code == 200
            assert (await get(http_client, url + "/version")).code == 200

            it.signal(signal.SIGTERM)
            await no_longer_listens(url)
            assert not in_flight.done()
            gate.may_answer.set()
            answered = await in_flight
            assert (answered.code, answered.body) == (200, b'{"kind":"Job","metadata":{"name":"x"}}')
            assert await it.code() == 0
    assert it.lines[-1]["event"] == "ended"


async def test_a_grace_that_is_over_ends_the_service(tmp_path: Path, run: RunService) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "k", "http://127.0.0.1:1", token=MARK)
    async with run("--cache=false", "--shutdown-grace-seconds=0.05", "--kubeconfig", kubeconfig) as it:
        await it.url()
        it.signal(signal.SIGTERM)
        assert await it.code() == 0
    assert [line["event"] for line in it.lines] == ["settings", "serving", "shutting down", "ended"]
    told = it.lines[0]
    assert {each.name for each in fields(Settings)} <= set(told)
    assert (told["kubeconfig"], told["listen"], told["auth_mode"]) == (kubeconfig, "127.0.0.1:0", "none")
    assert (told["cache"], told["shutdown_grace_seconds"], told["namespaces"]) == (False, 0.05, None)


async def test_sigint_skips_the_grace_and_a_post_whose_caller_has_left_is_finished_before_the_end(
    tmp_path: Path, run: RunService
) -> None:
    gate = Gate()
    async with Upstream(gate) as upstream:
        kubeconfig = upstream.kubeconfig(tmp_path, token=MARK)
        async with run("--cache=false", "--shutdown-grace-seconds", LONG, "--kubeconfig", kubeconfig) as it:
            url = await it.url()
            async with aiohttp.ClientSession() as leaving:
                post = asyncio.create_task(leaving.post(url + JOBS, data=MANIFEST))
                await eventually(lambda: gate.waiting)
                post.cancel()
                await asyncio.gather(post, return_exceptions=True)
            await eventually(lambda: [line["code"] for line in it.events("request")] == [None])
            it.signal(signal.SIGINT)
            await no_longer_listens(url)
            assert upstream.open_connections == 1
            gate.may_answer.set()
            assert await it.code() == 0
    assert [(request.method, request.body) for request in upstream.received] == [("POST", MANIFEST)]
    events = [line["event"] for line in it.lines]
    assert events[-2:] == ["a write whose caller had left was answered with 201", "ended"]


async def test_a_drain_that_is_over_cuts_what_is_still_in_flight(
    tmp_path: Path, run: RunService, http_client: aiohttp.ClientSession
) -> None:
    gate = Gate()
    async with Upstream(gate) as upstream:
        kubeconfig = upstream.kubeconfig(tmp_path, token=MARK)
        async with run("--shutdown-drain-seconds=0.05", "--kubeconfig", kubeconfig) as it:
            in_flight = asyncio.create_task(get(http_client, await it.url() + JOB))
            await eventually(lambda: gate.waiting)
            it.signal(signal.SIGINT)
            with pytest.raises(aiohttp.ClientError):
                await in_flight
            assert await it.code() == 0
    assert it.lines[-1]["event"] == "ended"


# How many connections it may have.


@pytest.mark.cluster  # for its seconds
async def test_descriptors_that_run_out_are_told_in_one_line_and_waited_for(
    tmp_path: Path, run: RunService, http_client: aiohttp.ClientSession
) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "k", "http://127.0.0.1:1", token=MARK)
    few = 40
    async with run("--cache=false", "--head-seconds=1", "--kubeconfig", kubeconfig, descriptors=few) as it:
        url = URL(await it.url())
        (warning,) = it.events("few file descriptors for the requests and streams that the settings allow")
        assert (warning["level"], warning["limit"]) == ("warning", few)
        silent = [socket.create_connection((url.host or "", url.port or 0)) for _ in range(2 * few)]
        await eventually(lambda: it.events("no file descriptors are left: new connections wait"))
        assert (await get(http_client, str(url.with_path("/livez")))).code == 200
        for each in silent:
            each.close()
        assert {line["level"] for line in it.lines} <= {"info", "warning"}
        assert len(it.lines) < few


# What it logs.


GIVEN_IDS = ["a", "A.b_c-9", "0" * 128]
REPLACED_IDS = ["", "0" * 129, "a b", "a/b", "ü", 'a"b', "a,b"]


async def test_every_line_is_one_json_object_and_none_has_a_credential(
    tmp_path: Path, run: RunService, http_client: aiohttp.ClientSession
) -> None:
    credentials = {"Authorization": f"Bearer {MARK}-of-the-caller", "Cookie": f"session={MARK}"}
    injected = {
        "JOB_API_PORT": "tcp://10.0.0.1:8080",
        "JOB_API_SERVICE_HOST": "10.0.0.1",
        "JOB_API_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    unknown = {"JOB_API_LISTEM": MARK, "JOB_API_KUBE_CONFIG": MARK}
    gate = Gate()
    gate.may_answer.set()
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Upstream(gate))
        kubeconfig = upstream.kubeconfig(tmp_path, token=MARK)
        it = await stack.enter_async_context(
            run("--cache=false", "--log-level=debug", JOB_API_KUBECONFIG=kubeconfig, **injected, **unknown)
        )
        url = await it.url()
        got = await get(http_client, url + JOB, credentials | {"X-Request-Id": "mine"})
        await get(http_client, f"{url}{JOB}?token={MARK}", credentials)
        await get(http_client, url + JOBS + "/name/UPPER%0A%FF%22", credentials)
        await raw(url, b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await raw(url, f"GET /livez HTTP/1.1\r\nHost: localhost\r\nAuthorization {MARK}\r\n\r\n".encode())
        await raw(url, f"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: {MARK}{'x' * 40_000}\r\n\r\n".encode())
        await eventually(lambda: len(it.events("request")) == 6)
        it.signal(signal.SIGINT)
        assert await it.code() == 0
    for written in it.written:
        line = json.loads(written)
        assert isinstance(line, dict)
        assert {"event", "level", "logger", "timestamp"} <= set(line)
        assert MARK not in written
    (warning,) = (line for line in it.lines if line["level"] == "warning")
    assert warning["names"] == sorted(unknown)
    first = it.events("request")[0]
    told = ("request_id", "code", "verb", "resource", "namespace", "name", "method", "path", "upstream_audit_id")
    assert {key: first[key] for key in told} == {
        "request_id": "mine",
        "code": 200,
        "verb": "get",
        "resource": "jobs",
        "namespace": "default",
        "name": "x",
        "method": "GET",
        "path": JOB,
        "upstream_audit_id": got.headers["Audit-Id"],
    }


async def raw(url: str, request: bytes) -> bytes:
    """Send what no client would, and return whatever comes back until the end."""
    host, port = url.removeprefix("http://").split(":")
    async with asyncio.timeout(WATCHDOG_SECONDS):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(request.replace(b"Host: localhost\r\n", b"Host: localhost\r\nConnection: close\r\n"))
            return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


async def test_a_request_id_is_taken_over_when_it_is_usable_and_made_when_not_and_always_answered_and_logged(
    tmp_path: Path, run: RunService, http_client: aiohttp.ClientSession
) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "k", "http://127.0.0.1:1", token=MARK)
    answered = []
    async with run("--kubeconfig", kubeconfig) as it:
        url = await it.url()
        for given in (*GIVEN_IDS, *REPLACED_IDS):
            for path in ("/livez", "/no-such-route"):
                answer = await get(http_client, url + path, {"X-Request-Id": given})
                answered.append(answer.headers["X-Request-Id"])
        answered.append((await get(http_client, url + "/livez")).headers["X-Request-Id"])
        await eventually(lambda: len(it.events("request")) == len(answered))
        assert [line["request_id"] for line in it.events("request")] == answered
    taken = len(GIVEN_IDS) * 2
    assert answered[:taken] == [given for given in GIVEN_IDS for _ in range(2)]
    made = answered[taken:]
    assert len(set(made)) == len(made)
    assert not set(made) & set(REPLACED_IDS)
    for each in made:
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", each)


async def test_the_console_form_is_for_people_and_not_json(
    tmp_path: Path, run: RunService, http_client: aiohttp.ClientSession
) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "k", "http://127.0.0.1:1", token=MARK)
    async with run("--log-format", "console", "--kubeconfig", kubeconfig) as it:
        serving = await eventually(lambda: [line for line in it.written if "serving" in line])
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+", serving[0])
        assert (await get(http_client, url + JOB)).code == 503
        it.signal(signal.SIGINT)
        assert await it.code() == 0
    for line in it.written:
        assert not line.startswith("{")
        assert MARK not in line
        assert "\x1b" not in line


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_the_trace_of_a_bug_shows_no_variable(log_format: str) -> None:
    """Where the package rich is installed, structlog's console form would print every local variable."""
    program = f"""
import structlog
from service import logging
logging.configure({log_format!r}, "info")
def buggy(token):
    raise LookupError("the bug")
try:
    buggy("{MARK[:3]}" + "{MARK[3:]}")
except LookupError:
    structlog.stdlib.get_logger("a").exception("structlog")
    __import__("logging").getLogger("b").exception("standard library")
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, check=True, timeout=60
    )
    err = done.stderr.decode()
    assert err.count("LookupError: the bug") == 2
    assert MARK not in err
    assert log_format == "console" or [json.loads(line)["event"] for line in err.splitlines()] == [
        "structlog",
        "standard library",
    ]


def test_what_is_no_utf_8_and_no_json_is_logged_all_the_same() -> None:
    program = r"""
import structlog
from service import logging
logging.configure("json", "info")
structlog.stdlib.get_logger("a").info("odd", path="/\udcff", what={1, 2}, number=float("nan"), name="\u2028\x00")
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, check=True, timeout=60
    )
    (line,) = done.stderr.decode().splitlines()
    assert json.loads(line)["path"] == "/\udcff"
