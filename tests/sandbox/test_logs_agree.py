"""The sandbox reads a log as the kubelet's own reader does, which kwok reads the logs of its pods with."""

import json
from datetime import UTC, datetime, timedelta
from itertools import product
from urllib.parse import urlencode

import aiohttp
import pytest

from service.sandbox.kubelet.log_reader import LogLine, LogOptions, LogReader
from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.contract.conftest import Backend
from tests.waiting import eventually_true

pytestmark = pytest.mark.cluster

START = datetime(2026, 1, 1, tzinfo=UTC)
# With lines in pieces, empty ones, bytes that are no UTF-8, and no newline at the end.
TEXTS = (
    b"one\n",
    b"two",
    b" goes on",
    b" and ends\n",
    b"\n",
    b"\xff\xfe\x00\n",
    b"",
    b"after nothing\n",
    b"last",
    b"!",
)
LINES = tuple(
    LogLine(START + timedelta(seconds=place, microseconds=place), text) for place, text in enumerate(TEXTS)
)
TAILS = (None, 0, 1, 3, 5, 100)
LIMITS = (None, 1, 4, 31, 60)
SINCES = (None, START + timedelta(seconds=2), START + timedelta(seconds=8), START + timedelta(days=1))
PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
def apiserver(control_plane: ControlPlane, http_client: aiohttp.ClientSession) -> Caller:
    return Backend(control_plane.server, control_plane.ca_file, control_plane.admin_token).caller(http_client)


async def scheduled(apiserver: Caller, name: str, *containers: str) -> None:
    """Make a pod, and wait until it has its node."""
    spec = {"containers": [{"name": each, "image": "busybox"} for each in containers]}
    body = json.dumps({"metadata": {"name": name}, "spec": spec}).encode()
    created = await apiserver("POST", PODS, body, {"Content-Type": "application/json"})
    assert created.status == 201, created

    async def has_node() -> bool:
        return "nodeName" in (await apiserver("GET", f"{PODS}/{name}")).json["spec"]

    await eventually_true(has_node)


async def log(apiserver: Caller, pod: str, **query: object) -> bytes:
    answer = await apiserver("GET", f"{PODS}/{pod}/log?{urlencode(query)}")
    assert answer.status == 200, answer
    return answer.body


async def test_a_log_is_read_as_the_kubelet_reads_it(control_plane: ControlPlane, apiserver: Caller) -> None:
    await scheduled(apiserver, "read", "main")
    control_plane.write_log("default", "read", {"main": [(line.time, line.text) for line in LINES]})
    found, expected = {}, {}
    for options in product(TAILS, LIMITS, SINCES, (False, True)):
        tail, limit, since, timestamps = options
        given = {"tailLines": tail, "limitBytes": limit, "sinceTime": since and f"{since:%Y-%m-%dT%H:%M:%SZ}"}
        query = {name: value for name, value in given.items() if value is not None}
        found[options] = await log(apiserver, "read", timestamps=timestamps, **query)
        wanted = LogOptions(since_time=since, timestamps=timestamps, tail_lines=tail, limit_bytes=limit)
        reader = LogReader(wanted, START)
        expected[options] = reader.read(reader.tail(LINES))
    assert {options: text for options, text in found.items() if text != expected[options]} == {}


async def test_each_container_and_the_run_before_have_logs(control_plane: ControlPlane, apiserver: Caller) -> None:
    await scheduled(apiserver, "both", "one", "two")
    long = b"\x80" * 1_000_000
    logs = {"one": [(START, b"a\n"), (START, b"b")], "two": [(START, long + b"\n")]}
    control_plane.write_log("default", "both", logs, previous={"one": [(START, b"before\n")]})
    assert await log(apiserver, "both", container="one") == b"a\nb"
    assert await log(apiserver, "both", container="two") == long + b"\n"
    assert await log(apiserver, "both", container="one", previous="true") == b"before\n"
    assert (await apiserver("GET", f"{PODS}/both/log?container=two&previous=true")).status == 400
    control_plane.write_log("default", "both", {"one": [(START, b"anew\n")]})
    assert await log(apiserver, "both", container="one") == b"anew\n"
    refused = await apiserver("GET", f"{PODS}/both/log?container=two")
    assert refused.json["message"] == 'log target not found for container "two" in pod "default/both"'
