"""The answers to the requests for logs, and where a real apiserver's are recorded."""

import json
from pathlib import Path
from typing import Any

import aiohttp

from service.kube.exchange import USER_AGENT
from service.sandbox.server import running
from service.sandbox.store import Store
from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.contract.conftest import Backend
from tests.sandbox.log_table import NAMESPACE, PODS, PODS_PATH, REQUESTS
from tests.sandbox.server_answers import answer_to
from tests.waiting import eventually_true

RECORD = Path(__file__).parents[1] / "data" / "logs.json"
_JSON = {"Content-Type": "application/json"}


async def of_the_apiserver(control_plane: ControlPlane, session: aiohttp.ClientSession) -> list[Any]:
    """Make the pods on a real apiserver, send it every request, and return its answers."""
    caller = Backend(control_plane.server, control_plane.ca_file, control_plane.admin_token).caller(session)
    namespace = json.dumps({"metadata": {"name": NAMESPACE}}).encode()
    await caller("POST", "/api/v1/namespaces", namespace, _JSON)

    async def has_account() -> bool:
        found = await caller("GET", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default")
        return found.status == 200

    await eventually_true(has_account)
    for pod in PODS:
        created = await caller("POST", PODS_PATH, json.dumps(pod).encode(), _JSON)
        assert created.status == 201, created
    return [await answer_to(caller, asked) for asked in REQUESTS]


async def of_the_sandbox(session: aiohttp.ClientSession) -> list[Any]:
    """Send every request to a new sandbox, and return its answers; its kubelet does not know of the pods."""
    store = Store()
    for pod in PODS:
        store.create("pods", {**pod, "metadata": {**pod["metadata"], "namespace": NAMESPACE}, "status": {}})
    async with running(store) as url:
        caller = Caller(session, url, {"User-Agent": USER_AGENT})
        return [await answer_to(caller, asked) for asked in REQUESTS]
