"""`--namespaces`: some are served, and of the others nobody learns anything. Section 8 of the contract."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from tests.api.gated import MANIFEST
from tests.cache.conftest import StartFront
from tests.cache.jobs import bookmark, event, raw_job
from tests.cache.scripted import watch
from tests.callers import assert_is_status
from tests.contract.paths import direct_job, direct_jobs, job, jobs
from tests.upstream import Received, json_answer
from tests.waiting import eventually

ALL = "/api/v1/_raw/job"
ENDED = [{"type": "Complete", "status": "True"}]


async def answer(request: Received) -> bytes | AsyncIterator[bytes]:
    path = urlsplit(request.target).path
    if "watch=true" in request.target:
        namespace = path.split("/")[-2]
        told = event("ADDED", raw_job("one", 5, namespace=namespace, conditions=ENDED))
        pieces = watch(told, bookmark(10, ends=True), lasts=True)
        assert callable(pieces)
        return pieces()
    return json_answer(201 if request.method == "POST" else 200, raw_job("one", 5, conditions=ENDED))


async def test_other_namespaces_and_all_at_once_are_403_before_anything_is_asked(front: StartFront) -> None:
    service = await front(answer, namespaces=("a", "b"))
    for namespace in ("c", "default", "aa"):
        for method, path, body in (
            ("GET", job(namespace, "one"), None),
            ("GET", jobs(namespace), None),
            ("GET", f"{jobs(namespace)}?resourceVersion=0", None),
            ("GET", f"{jobs(namespace)}?watch=true", None),
            ("GET", f"{job(namespace, 'one')}/wait", None),
            ("POST", jobs(namespace), MANIFEST),
            ("DELETE", job(namespace, "one"), None),
        ):
            told = assert_is_status(await service.api(method, path, body), 403, "Forbidden")["message"]
            assert told == f'namespace "{namespace}" is not served here, only: a, b'
    for path in (ALL, f"{ALL}?watch=true", f"{ALL}?resourceVersion=0", f"{ALL}?fieldSelector=metadata.namespace=a"):
        told = assert_is_status(await service.api("GET", path), 403, "Forbidden")["message"]
        assert told == "all namespaces at once are not served here, only: a, b"
    assert not service.upstream.received


async def test_each_namespace_that_is_served_has_a_watch_of_its_own_that_feeds_it(front: StartFront) -> None:
    service = await front(answer, namespaces=("a", "b"), cache=True)
    await eventually(lambda: service.live.is_synced("a") and service.live.is_synced("b"))
    for namespace in ("a", "b"):
        known = await service.api("GET", f"{jobs(namespace)}?resourceVersion=0")
        assert known.headers["Cache-Status"] == "job-api; hit"
        assert [each["metadata"]["namespace"] for each in known.json["items"]] == [namespace]
        assert (await service.api("GET", job(namespace, "one"))).status == 200
        assert (await service.api("GET", f"{job(namespace, 'one')}/wait")).status == 200
        assert (await service.api("POST", jobs(namespace), MANIFEST)).status == 201
        assert (await service.api("DELETE", job(namespace, "one"))).status == 200
        url = f"{service.api.url}{jobs(namespace)}?watch=true&resourceVersion=0"
        async with service.api.session.get(url) as watching:
            assert f'"namespace":"{namespace}"'.encode() in await watching.content.readuntil(b"\n")
    targets = [urlsplit(each.target) for each in service.upstream.received]
    watched = [target.path for target in targets if "watch=true" in target.query]
    assert sorted(watched) == [direct_jobs("a"), direct_jobs("b")]
    served = {path for name in ("a", "b") for path in (direct_jobs(name), direct_job(name, "one"))}
    assert {target.path for target in targets} == served
    ready = (await service.api("GET", "/readyz?verbose")).body.decode()
    assert "cache: a: synced, 1 Jobs, " in ready
    assert "; b: synced, 1 Jobs, " in ready
