"""Section 7 of the contract: logs that are followed. On the sandbox, whose containers write while they run."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from service.sandbox.store import Key, Store
from tests.callers import Caller, assert_is_status
from tests.contract.conftest import Backend
from tests.contract.job_changes import delete
from tests.contract.logged import (
    by_origin,
    container,
    create,
    following,
    log,
    logging,
    name_of,
    own_log,
    pods_in,
    printing,
    with_prefix,
)
from tests.contract.served import Served, serving
from tests.contract.waiting import job_when
from tests.waiting import eventually

LASTS = "sleep 3600"
PODS = 20
LINES = 50


@pytest.fixture
def real_backend() -> None:
    """Follow on the sandbox alone: a fake node never says that a log has ended."""


def resume(store: Store, namespace: str, name: str) -> None:
    """Let a suspended Job go on; the sandbox has no PATCH."""
    stored = store.get(Key("jobs", namespace, name))
    assert stored is not None
    changed = stored.decoded()
    changed["spec"]["suspend"] = False
    assert store.update("jobs", changed)


async def test_lines_come_as_they_are_written_until_the_job_is_deleted(
    served: Served, direct: Caller, namespace: str
) -> None:
    await create(direct, namespace, printing("one", f"echo a; sleep 0.1; echo b; sleep 0.1; printf c; {LASTS}"))
    (pod,) = await pods_in(direct, namespace, 1, "Running")
    async with following(served.api, namespace, "one") as followed:
        assert [await followed.line() for _ in "ab"] == [
            with_prefix(name_of(pod), "main", text) for text in (b"a\n", b"b\n")
        ]
        await delete(direct, namespace, "one")
        assert await followed.rest() == with_prefix(name_of(pod), "main", b"c")


async def test_it_waits_for_the_first_pod_and_ends_with_the_job(
    served: Served, direct: Caller, store: Store, namespace: str
) -> None:
    await create(direct, namespace, printing("one", "echo a; sleep 0.1; echo b", suspend=True))
    following_it = asyncio.create_task(served.api("GET", log(namespace, "one", "follow=true")))
    watched = f"/api/v1/namespaces/{namespace}/pods?watch=true"
    await eventually(lambda: served.asked(watched))
    resume(store, namespace, "one")
    answer = await following_it
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain")
    (pod,) = await pods_in(direct, namespace, 1, "Succeeded")
    assert answer.body == with_prefix(name_of(pod), "main", b"a\nb\n")
    assert served.asked(watched) == 1


async def test_each_attempt_of_a_job_that_fails_is_followed(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, printing("one", "echo a; printf b; exit 1", backoffLimit=1))
    answer = await api("GET", log(namespace, "one", "follow=true"))
    pods = [name_of(pod) for pod in await pods_in(direct, namespace, 2, "Failed")]
    assert by_origin(answer.body) == {f"{pod}/main": [b"a", b"b"] for pod in pods}
    assert not answer.body.endswith(b"\n")


async def test_of_many_parallel_pods_no_line_is_lost_or_torn_or_twice(
    api: Caller, direct: Caller, namespace: str
) -> None:
    half = LINES // 2
    lines = [b"line %d" % number for number in range(LINES)]
    early, late = ("; ".join(f"echo {line.decode()}" for line in part) for part in (lines[:half], lines[half:]))
    script = f"{early}; sleep 0.1; {late}"
    await create(direct, namespace, printing("one", script, completions=PODS, parallelism=PODS))
    answer = await api("GET", log(namespace, "one", "follow=true"))
    pods = [name_of(pod) for pod in await pods_in(direct, namespace, PODS, "Succeeded")]
    assert by_origin(answer.body) == {f"{pod}/main": lines for pod in pods}


async def test_each_run_of_a_container_that_is_restarted_is_followed(
    api: Caller, direct: Caller, namespace: str
) -> None:
    script = "echo a; sleep 0.3; echo b; exit 1"
    await create(direct, namespace, printing("one", script, policy="OnFailure"))
    await pods_in(direct, namespace, 1, "Running")
    async with following(api, namespace, "one", "prefix=false") as followed:
        assert [await followed.line() for _ in range(7)] == [b"a\n", b"b\n"] * 3 + [b"a\n"]


async def test_of_all_containers_those_that_come_later_are_followed_too(
    api: Caller, direct: Caller, namespace: str
) -> None:
    init = [container("init", "echo i"), container("sidecar", f"echo s; {LASTS}", restartPolicy="Always")]
    await create(direct, namespace, logging("one", container("main", "sleep 0.1; echo m"), init=init))
    answer = await api("GET", log(namespace, "one", "follow=true&allContainers=true"))
    (pod,) = [name_of(pod) for pod in await pods_in(direct, namespace, 1, "Succeeded")]
    assert by_origin(answer.body) == {f"{pod}/init": [b"i"], f"{pod}/sidecar": [b"s"], f"{pod}/main": [b"m"]}
    assert answer.body.startswith(f"[pod/{pod}/init] ".encode())


async def test_a_job_that_is_over_is_read_to_its_end(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, printing("one", "echo a; printf b", completions=2, parallelism=2))
    await job_when(direct, namespace, "one", lambda found: bool(found["status"].get("completionTime")))
    pods = [name_of(pod) for pod in await pods_in(direct, namespace, 2, "Succeeded")]
    answer = await api("GET", log(namespace, "one", "follow=true"))
    assert by_origin(answer.body) == {f"{pod}/main": [b"a", b"b"] for pod in pods}
    timed = await api("GET", log(namespace, "one", f"follow=true&timestamps=true&pod={pods[0]}"))
    assert timed.body == (await own_log(direct, namespace, pods[0], "timestamps=true")).body
    # There is nothing to follow in the run before.
    refused = await api("GET", log(namespace, "one", "follow=true&previous=true"))
    assert "previous" in assert_is_status(refused, 400, "BadRequest")["message"]


async def test_a_job_that_takes_the_place_of_another_is_not_followed(
    served: Served, direct: Caller, namespace: str
) -> None:
    await create(direct, namespace, printing("one", f"echo old; {LASTS}"))
    async with following(served.api, namespace, "one", "prefix=false") as followed:
        assert await followed.line() == b"old\n"
        await delete(direct, namespace, "one")
        await create(direct, namespace, printing("one", "echo new"))
        assert await followed.rest() == b""


async def test_a_job_that_goes_before_it_has_pods_is_404(served: Served, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, printing("one", "echo a", suspend=True))
    following_it = asyncio.create_task(served.api("GET", log(namespace, "one", "follow=true")))
    await eventually(lambda: served.asked(f"/api/v1/namespaces/{namespace}/pods?watch=true"))
    await delete(direct, namespace, "one")
    assert "is gone" in assert_is_status(await following_it, 404, "NotFound")["message"]


async def test_what_was_there_before_can_be_cut_to_its_tail_and_what_comes_is_not(
    api: Caller, direct: Caller, store: Store, namespace: str
) -> None:
    await create(direct, namespace, printing("one", f"echo a; echo b; echo c; {LASTS}"))
    await pods_in(direct, namespace, 1, "Running")
    async with following(api, namespace, "one", "tailLines=1&prefix=false") as followed:
        assert await followed.line() == b"c\n"
        await delete(direct, namespace, "one")
        assert await followed.rest() == b""
    await create(direct, namespace, printing("new", "echo a; echo b; echo c", suspend=True))
    following_it = asyncio.create_task(api("GET", log(namespace, "new", "follow=true&tailLines=1&prefix=false")))
    resume(store, namespace, "new")
    assert (await following_it).body == b"a\nb\nc\n"


async def test_a_limit_ends_the_log_of_a_pod_that_runs_on(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, printing("one", f"echo first; echo second; {LASTS}"))
    (pod,) = [name_of(pod) for pod in await pods_in(direct, namespace, 1, "Running")]
    for query, expected in ((f"pod={pod}", b"first\nse"), (f"pod={pod}&prefix=1", b"first\nse")):
        answer = await api("GET", log(namespace, "one", f"follow=true&limitBytes=8&{query}"))
        assert answer.body == (with_prefix(pod, "main", expected) if "prefix" in query else expected)


async def test_a_caller_who_hangs_up_closes_everything_upstream(
    served: Served, direct: Caller, namespace: str
) -> None:
    await create(direct, namespace, printing("one", f"echo a; {LASTS}", completions=3, parallelism=3))
    await pods_in(direct, namespace, 3, "Running")
    await eventually(lambda: served.proxy.open_connections <= 3)
    before = served.proxy.open_connections
    async with following(served.api, namespace, "one") as followed:
        for _ in range(3):
            await followed.line()
        streams = 4 if served.live.enabled else 5
        await eventually(lambda: served.proxy.open_connections >= before + streams)
    # That of the plain reads is kept for the next ones.
    await eventually(lambda: served.proxy.open_connections <= before + 1)


@pytest.mark.parametrize("of_one", [False, True])
async def test_a_service_that_ends_says_so_in_the_last_line_but_for_a_log_whose_bytes_are_the_pods(
    backend: Backend,
    direct: Caller,
    namespace: str,
    tmp_path: Path,
    http_client: aiohttp.ClientSession,
    of_one: bool,
) -> None:
    await create(direct, namespace, printing("one", f"echo a; {LASTS}"))
    (pod,) = [name_of(pod) for pod in await pods_in(direct, namespace, 1, "Running")]
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(serving(backend, tmp_path, http_client, cache=True))
        query = f"pod={pod}" if of_one else ""
        async with following(service.api, namespace, "one", query) as followed:
            first = await followed.line()
            ending = asyncio.create_task(stack.aclose())
            if of_one:
                assert first == b"a\n"
                with pytest.raises(aiohttp.ClientError):
                    await followed.rest()
            else:
                assert await followed.rest() == b"[job/one] -- the service is shutting down; follow again\n"
            await ending
