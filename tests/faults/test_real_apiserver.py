"""Faults between the service and a real apiserver, and an apiserver that goes away."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.callers import Caller, assert_is_status
from tests.cluster.control_plane import ControlPlane
from tests.conftest import StartService
from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs, job, jobs
from tests.contract.waiting import at_rest
from tests.faults.proxy import Fault, FaultProxy
from tests.waiting import eventually

pytestmark = pytest.mark.cluster


async def create(direct: Caller, namespace: str, name: str = "one") -> None:
    manifest = suspended(name)
    created = await direct("POST", direct_jobs(namespace), manifest, {"Content-Type": "application/yaml"})
    assert created.status == 201
    await at_rest(direct, namespace, name)


@pytest.mark.parametrize("fault", [Fault(cut_after=0), Fault(reset_after=0)], ids=["cut", "reset"])
async def test_before_the_headers_a_read_is_503_and_a_write_is_done_once_with_unknown_outcome(
    impatient_api: Caller, direct: Caller, proxy: FaultProxy, namespace: str, fault: Fault
) -> None:
    await create(direct, namespace)
    assert (await impatient_api("GET", job(namespace, "one"))).status == 200
    proxy.fault = fault
    assert_is_status(await impatient_api("GET", job(namespace, "one")), 503, "ServiceUnavailable")
    assert_is_status(await impatient_api("POST", jobs(namespace), suspended("two")), 504, "Timeout")
    assert_is_status(await impatient_api("DELETE", job(namespace, "one")), 504, "Timeout")
    proxy.fault = Fault()
    assert [proxy.requests(method) for method in ("GET", "POST", "DELETE")] == [2, 1, 1]
    # Both writes were carried out, as a caller finds who does what the Status says: GET before trying again.
    assert (await impatient_api("GET", job(namespace, "two"))).status == 200
    assert (await impatient_api("GET", job(namespace, "one"))).status == 404


@pytest.mark.parametrize("name", ["cut_after", "reset_after", "stall_after"])
async def test_after_the_headers_the_callers_connection_is_aborted(
    impatient_api: Caller, direct: Caller, proxy: FaultProxy, namespace: str, name: str
) -> None:
    await create(direct, namespace)
    proxy.fault = Fault(**{name: 1_200})
    with pytest.raises(aiohttp.ClientError):
        await impatient_api("GET", job(namespace, "one"))
    with pytest.raises(aiohttp.ClientError):
        await impatient_api("GET", jobs(namespace))
    proxy.fault = Fault()
    assert (await impatient_api("GET", job(namespace, "one"))).status == 200


async def test_silence_is_504_and_the_connection_is_given_up(
    impatient_api: Caller, direct: Caller, proxy: FaultProxy, namespace: str
) -> None:
    await create(direct, namespace)
    proxy.fault = Fault(stall_after=0)
    assert_is_status(await impatient_api("GET", job(namespace, "one")), 504, "Timeout")
    assert_is_status(await impatient_api("POST", jobs(namespace), suspended("two")), 504, "Timeout")
    await eventually(lambda: proxy.open_connections == 0)
    assert (await impatient_api("GET", "/livez")).status == 200
    proxy.fault = Fault()
    assert (await impatient_api("GET", job(namespace, "two"))).status == 200


async def test_slices_and_delays_change_no_byte(
    impatient_api: Caller, direct: Caller, proxy: FaultProxy, namespace: str
) -> None:
    await create(direct, namespace)
    proxy.fault = Fault(slice_bytes=7, delay=0.0005)
    sliced = await impatient_api("GET", job(namespace, "one"))
    assert sliced.body == (await direct("GET", direct_job(namespace, "one"))).body
    created = await impatient_api("POST", jobs(namespace), suspended("two"))
    assert created.status == 201


async def test_a_caller_who_hangs_up_frees_the_connection_upstream_and_loses_no_write(
    impatient_api: Caller, direct: Caller, proxy: FaultProxy, namespace: str
) -> None:
    await create(direct, namespace)
    proxy.fault = Fault(delay=0.5)
    calls = [
        asyncio.create_task(impatient_api("GET", job(namespace, "one"))),
        asyncio.create_task(impatient_api("POST", jobs(namespace), suspended("two"))),
    ]
    await eventually(lambda: proxy.requests("GET") == proxy.requests("POST") == 1)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await at_rest(direct, namespace, "two")
    proxy.fault = Fault()
    assert (await impatient_api("GET", job(namespace, "two"))).status == 200
    assert proxy.requests("POST") == 1


async def test_an_apiserver_that_freezes_dies_and_comes_back(
    own_control_plane: ControlPlane, start_service: StartService, http_client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    url = await start_service(
        kubeconfig=str(own_control_plane.kubeconfig), upstream_first_byte_seconds=2.0, chunk_seconds=2.0
    )
    api = Caller(http_client, url, {})
    assert (await api("POST", jobs("default"), suspended("one"))).status == 201

    own_control_plane.pause_component("kube-apiserver")
    assert_is_status(await api("GET", job("default", "one")), 504, "Timeout")
    assert_is_status(await api("GET", "/readyz"), 503, "ServiceUnavailable")
    assert (await api("GET", "/livez")).status == 200
    own_control_plane.resume_component("kube-apiserver")
    assert (await api("GET", job("default", "one"))).status == 200

    await asyncio.to_thread(own_control_plane.stop_component, "kube-apiserver")
    for method, path, body in (
        ("GET", job("default", "one"), None),
        ("POST", jobs("default"), suspended("two")),
        ("DELETE", job("default", "one"), None),
    ):
        refused = await api(method, path, body)
        assert_is_status(refused, 503, "ServiceUnavailable")
        assert refused.headers["Retry-After"] == "1"
    assert (await api("GET", "/livez")).status == 200
    await asyncio.to_thread(own_control_plane.start_component, "kube-apiserver")
    assert (await api("GET", job("default", "one"))).status == 200
    assert (await api("GET", job("default", "two"))).status == 404
