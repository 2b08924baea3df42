"""A service whose account may read the Jobs of one namespace, on a real apiserver: no cache, and nothing amiss."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.callers import assert_is_status
from tests.cluster.control_plane import ControlPlane
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import job, jobs
from tests.contract.served import Served, serving

pytestmark = pytest.mark.cluster


@pytest.fixture
async def of_alice(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, http_client: aiohttp.ClientSession
) -> AsyncIterator[Served]:
    """Return the service with alice's token, who may get and list the Jobs of `namespace`, and no more."""
    inside = f"--namespace={namespace}"
    control_plane.kubectl("create", "role", "reader", "--verb=get,list", "--resource=jobs.batch", inside)
    control_plane.kubectl("create", "rolebinding", "reader", "--role=reader", "--user=alice", inside)
    control_plane.kubectl("create", "--filename=-", inside, input=suspended("one").decode())
    backend = Backend(control_plane.server, control_plane.ca_file, control_plane.alice_token)
    async with serving(backend, tmp_path, http_client, cache=True) as service:
        yield service


async def test_reads_go_upstream_and_readyz_says_why_the_cache_is_not_in_sync(
    of_alice: Served, namespace: str
) -> None:
    assert not of_alice.live.is_synced(None)
    for path in (job(namespace, "one"), jobs(namespace)):
        answer = await of_alice.api("GET", f"{path}?resourceVersion=0")
        assert (answer.status, answer.headers["Cache-Status"]) == (200, "job-api; fwd=miss")
        assert "ETag" not in answer.headers
        answer = await of_alice.api("GET", path)
        assert (answer.status, "Cache-Status" in answer.headers) == (200, False)
    ready = await of_alice.api("GET", "/readyz")
    assert (ready.status, ready.body) == (200, b"ok")
    told = (await of_alice.api("GET", "/readyz?verbose")).body.decode()
    assert "[+]apiserver ok\n" in told
    assert "cache: not synced, so everything goes upstream: the apiserver answers 403" in told


async def test_what_alice_may_not_read_is_the_apiservers_403(of_alice: Served) -> None:
    for path in (job("default", "one"), jobs("default"), "/api/v1/_raw/job"):
        refused = await of_alice.api("GET", f"{path}?resourceVersion=0")
        assert "alice" in assert_is_status(refused, 403, "Forbidden")["message"]
    refused = await of_alice.wait("default", "one", "for=delete")
    assert "alice" in assert_is_status(refused, 403, "Forbidden")["message"]


async def test_only_a_wait_that_has_to_watch_is_the_apiservers_403(of_alice: Served, namespace: str) -> None:
    for goal in ("condition=Suspended", "suspended"):
        answer = await of_alice.wait(namespace, "one", f"for={goal}&timeoutSeconds=3600")
        assert answer.json["metadata"]["name"] == "one"
    refused = await of_alice.wait(namespace, "one", "timeoutSeconds=3600")
    assert "cannot watch resource" in assert_is_status(refused, 403, "Forbidden")["message"]
    gone = await of_alice.wait(namespace, "none", "for=delete&timeoutSeconds=3600")
    assert (gone.status, gone.json["status"]) == (200, "Success")
