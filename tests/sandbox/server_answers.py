"""The answers to the table's requests, without what cannot be equal, and where a real apiserver's are recorded."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from service.kube.exchange import USER_AGENT
from service.sandbox.server import running
from tests.callers import Answer, Caller
from tests.cluster.control_plane import ControlPlane
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import direct_jobs
from tests.contract.waiting import at_rest
from tests.sandbox.server_table import JOBS, NAMESPACE, REQUESTS, Asked

RECORD = Path(__file__).parents[1] / "data" / "server.json"
_HEADERS = ("Content-Type", "Content-Encoding", "Vary", "Cache-Control", "Warning", "Retry-After")
_VARYING = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"current: \d+"), "current: VERSION"),
    (re.compile(r"in record \(\d+\)"), "in record (VERSION)"),
    (re.compile(r"\b(\d+[smh])+\b"), "AGE"),
)
_VARYING_KEYS = {"resourceVersion": "VERSION", "continue": "TOKEN", "serverAddress": "ADDRESS"}


def recorded(record: Path = RECORD) -> list[Any]:
    """Return what a real apiserver answered when the record was made."""
    answers: list[Any] = json.loads(record.read_text())
    return answers


async def of_the_apiserver(control_plane: ControlPlane, session: aiohttp.ClientSession) -> list[Any]:
    """Send every request of the table to a real apiserver and return its answers."""
    backend = Backend(control_plane.server, control_plane.ca_file, control_plane.admin_token)
    caller = backend.caller(session)
    body = json.dumps({"metadata": {"name": NAMESPACE}}).encode()
    await caller("POST", "/api/v1/namespaces", body, {"Content-Type": "application/json"})
    return await _answers(caller)


async def of_the_sandbox(session: aiohttp.ClientSession) -> list[Any]:
    """Send every request of the table to a new sandbox and return its answers."""
    async with running() as url:
        return await _answers(Caller(session, url, {"User-Agent": USER_AGENT}))


def differences(expected: Sequence[Any], found: Sequence[Any], requests: Sequence[Asked] = REQUESTS) -> str:
    """Return, for people, which answers differ; nothing when none does."""
    return "\n".join(
        f"{asked}\n    real    {json.dumps(theirs)}\n    sandbox {json.dumps(ours)}"
        for asked, theirs, ours in zip(requests, expected, found, strict=True)
        if theirs != ours
    )


async def _answers(caller: Caller) -> list[Any]:
    for name in JOBS:
        manifest = suspended(name, f"{{name: {name}}}")
        created = await caller("POST", direct_jobs(NAMESPACE), manifest, {"Content-Type": "application/yaml"})
        assert created.status == 201, created
    for name in JOBS:
        await at_rest(caller, NAMESPACE, name)
    return [await answer_to(caller, asked) for asked in REQUESTS]


async def answer_to(caller: Caller, asked: Asked) -> Any:
    """Send a request and return its answer without what cannot be equal."""
    answer = await caller(asked.method, asked.path, asked.body, asked.headers)
    headers = {name: answer.headers.getall(name) for name in _HEADERS if name in answer.headers}
    return [answer.status, headers, _body(answer)]


def _body(answer: Answer) -> Any:
    """Return a body without what cannot be equal, and how it is laid out."""
    media_type = answer.headers.get("Content-Type", "")
    if media_type == "application/yaml":
        return [comparable(yaml.safe_load(answer.body)), "yaml"]
    if media_type != "application/json" or not answer.body:
        return answer.body.decode()
    return [comparable(answer.json), answer.body.count(b"\n") > 1, answer.body.endswith(b"\n")]


def comparable(value: Any) -> Any:
    """Return a value without what cannot be equal of two apiservers."""
    if isinstance(value, dict):
        # Who owns which fields is for the tests of admission; the sandbox's controllers leave no such trace.
        kept = {name: each for name, each in value.items() if name != "managedFields"}
        return {name: _VARYING_KEYS.get(name) or comparable(each) for name, each in kept.items()}
    if isinstance(value, list):
        return [comparable(each) for each in value]
    for pattern, replacement in _VARYING if isinstance(value, str) else ():
        value = pattern.sub(replacement, value)
    return value
