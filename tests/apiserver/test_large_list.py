"""A list of 10,000 Jobs passes through the service and is not held by it."""

import asyncio

import aiohttp
import pytest

from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.conftest import Figure
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import direct_jobs, jobs
from tests.processes import RunService

JOBS = 10_000
_AT_ONCE = 32
# What one stream may cost: the buffers of two sockets and of two HTTP parsers, and what the allocator keeps.
_MOST_BYTES = 16 * 1024 * 1024


async def create(direct: Caller, namespace: str) -> None:
    numbers = iter(range(JOBS))

    async def work() -> None:
        for number in numbers:
            manifest = suspended(f"job-{number}")
            answer = await direct("POST", direct_jobs(namespace), manifest, {"Content-Type": "application/yaml"})
            assert answer.status == 201, answer

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))


@pytest.mark.cluster
async def test_a_list_of_10000_jobs_is_not_held(
    own_control_plane: ControlPlane,
    run: RunService,
    http_client: aiohttp.ClientSession,
    figure: Figure,
) -> None:
    backend = Backend(own_control_plane.server, own_control_plane.ca_file, own_control_plane.admin_token)
    own_control_plane.stop_component("kube-controller-manager")  # nothing is to be done about these Jobs
    await create(backend.caller(http_client), "default")
    async with run("--cache=false", "--kubeconfig", str(own_control_plane.kubeconfig)) as service:
        api = Caller(http_client, await service.url(), {})
        assert (await api("GET", jobs("default") + "?limit=10")).status == 200  # what is made once is made now
        for encoding, least in (("identity", 10_000_000), ("gzip", 500_000)):
            before = service.peak_memory()
            size = await length(api, jobs("default"), encoding)
            grown = service.peak_memory() - before
            relayed, peak = f"{size / 1e6:.1f} MB relayed", f"peak memory grew by {grown / 1e6:.1f} MB"
            figure(f"a list of {JOBS} Jobs, {encoding}: {relayed}, {peak}")
            assert size > least
            assert grown < _MOST_BYTES


async def length(api: Caller, path: str, encoding: str) -> int:
    async with api.session.get(api.url + path, headers={"Accept-Encoding": encoding}) as response:
        assert response.status == 200
        return sum([len(chunk) async for chunk in response.content.iter_any()])
