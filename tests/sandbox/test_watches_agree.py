"""Watches of a real apiserver and of the sandbox tell the same of the same things."""

from uuid import uuid4

import aiohttp
import pytest

from service.kube.exchange import USER_AGENT
from service.sandbox.server import running
from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.contract.conftest import Backend
from tests.sandbox.watch_script import told_by_watches

pytestmark = pytest.mark.cluster


async def test_watches_tell_the_same(control_plane: ControlPlane, http_client: aiohttp.ClientSession) -> None:
    namespace = f"watches-{uuid4().hex[:8]}"
    backend = Backend(control_plane.server, control_plane.ca_file, control_plane.admin_token)
    control_plane.kubectl("create", "namespace", namespace)
    real = await told_by_watches(backend.caller(http_client), namespace)
    control_plane.kubectl("delete", "namespace", namespace, "--wait=false")
    async with running() as url:
        sandbox = await told_by_watches(Caller(http_client, url, {"User-Agent": USER_AGENT}), namespace)
    assert real.keys() == sandbox.keys()
    for name, events in real.items():
        assert sandbox[name] == events, name
