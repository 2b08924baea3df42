"""Logs of containers that really ran, as the kubelet and containerd keep them."""

import asyncio
import hashlib
import re
from pathlib import Path

import pytest

from tests.callers import Caller, assert_is_status
from tests.cluster.node.real_node import RealNode
from tests.conftest import StartService
from tests.contract.paths import job
from tests.node.running import create, finished, followed, log, next_line, pods, script_job, whole
from tests.tour import take_the_tour
from tests.waiting import eventually_true

pytestmark = pytest.mark.node

# A line each fifth of a second; the first is there before anything can happen.
NUMBERS = "for i in $(seq 1 40); do echo $i; sleep 0.2; done"


async def test_the_tour_prints_what_it_says_with_containers_that_run(
    real_node: RealNode, start_service: StartService, tmp_path: Path
) -> None:
    await take_the_tour(await start_service(kubeconfig=str(real_node.kubeconfig)), tmp_path)


async def test_a_line_a_second_is_seen_while_the_job_still_runs(api: Caller, namespace: str) -> None:
    await create(api, namespace, script_job("ticking", "for i in 1 2 3 4 5; do echo tick $i; sleep 1; done"))
    async with followed(api, namespace, "ticking") as response:
        lines = [await next_line(response)]
        assert (await api("GET", job(namespace, "ticking"))).json["status"]["active"] == 1
        lines += (await whole(response)).splitlines(keepends=True)
    (pod,) = await pods(api, namespace, "ticking")
    assert lines == [f"[pod/{pod['metadata']['name']}/main] tick {i}\n".encode() for i in range(1, 6)]
    assert (await api("GET", job(namespace, "ticking"))).json["status"]["succeeded"] == 1


async def test_a_failed_attempt_and_its_retry_are_both_shown(api: Caller, namespace: str) -> None:
    await create(api, namespace, script_job("failing", "echo failing; exit 1", backoffLimit=1))
    async with followed(api, namespace, "failing") as response:
        lines = (await whole(response)).splitlines()
    names = {pod["metadata"]["name"] for pod in await pods(api, namespace, "failing")}
    assert len(names) == 2
    assert sorted(lines) == sorted(f"[pod/{name}/main] failing".encode() for name in names)
    assert (await api("GET", f"{job(namespace, 'failing')}/wait?for=failed")).status == 200
    assert sorted((await log(api, namespace, "failing")).body.splitlines()) == sorted(lines)


async def test_an_image_that_does_not_exist_is_told_in_the_events_and_in_the_log(
    api: Caller, namespace: str
) -> None:
    await create(api, namespace, script_job("no-image", "true", image="no-such-image"))

    async def an_event_tells() -> bool:
        events = (await api("GET", f"{job(namespace, 'no-image')}/event")).json["items"]
        return any("no-such-image:latest: not found" in each["message"] for each in events)

    async def the_log_tells() -> bool:
        status = assert_is_status(await log(api, namespace, "no-image"), 400, "BadRequest")
        told = r"waiting to start: (ErrImagePull|ImagePullBackOff): .*no-such-image:latest: not found"
        return re.search(told, status["message"]) is not None

    await eventually_true(an_event_tells)
    await eventually_true(the_log_tells)


async def test_what_cannot_be_read_is_named_in_the_last_lines(api: Caller, namespace: str) -> None:
    manifest = script_job("half", "echo one half", containers=2)
    manifest = manifest.replace(b'"name":"second","image":"busybox"', b'"name":"second","image":"no-such-image"')
    await create(api, namespace, manifest)

    async def is_readable() -> bool:
        answer = await log(api, namespace, "half", "allContainers=true")
        return answer.status == 200 and b"not found" in answer.body

    await eventually_true(is_readable)
    first, last = (await log(api, namespace, "half", "allContainers=true")).body.splitlines()
    (pod,) = await pods(api, namespace, "half")
    name = pod["metadata"]["name"].encode()
    assert first == b"[pod/%s/main] one half" % name
    assert last.startswith(b"[pod/%s/second] -- waiting to start: " % name)
    # Followed, it ends with the Job, which never comes to an end by itself.
    async with followed(api, namespace, "half", "allContainers=true") as response:
        assert await next_line(response) == first + b"\n"
        assert (await api("DELETE", job(namespace, "half"))).status == 200
        rest = await whole(response)
    assert rest.startswith(b"[pod/%s/second] -- " % name)
    assert b"no-such-image" in rest


async def test_the_run_before_a_restart_can_still_be_read_and_a_follower_sees_every_run(
    api: Caller, namespace: str
) -> None:
    script = 'test -e /tmp/x/2 && exit 0; n=$(ls /tmp/x | wc -l); echo "run $n"; touch /tmp/x/$n; sleep 1; exit 1'
    manifest = script_job("again", script, restartPolicy="OnFailure", backoffLimit=6)
    volume = (
        b'"volumes":[{"name":"x","emptyDir":{}}],"containers":[{"volumeMounts":[{"name":"x","mountPath":"/tmp/x"}],'
    )
    await create(api, namespace, manifest.replace(b'"containers":[{', volume))
    async with followed(api, namespace, "again", "prefix=false") as response:
        lines = [await next_line(response), await next_line(response)]
        assert lines == [b"run 0\n", b"run 1\n"]
        previous = await log(api, namespace, "again", "previous=true&prefix=false")
        assert (previous.status, previous.body) == (200, b"run 0\n")
        assert await whole(response) == b"run 2\n"
    await finished(api, namespace, "again")


async def test_fifty_megabytes_of_random_bytes_arrive_as_kubectl_has_them(
    api: Caller, namespace: str, real_node: RealNode
) -> None:
    await create(api, namespace, script_job("random", "head -c 50000000 /dev/urandom"))
    async with followed(api, namespace, "random", "prefix=false") as response:
        live = hashlib.sha256(await whole(response)).hexdigest()
    (pod,) = await pods(api, namespace, "random")
    name = pod["metadata"]["name"]
    answer = await log(api, namespace, "random", f"pod={name}")
    shown = await asyncio.to_thread(kubectl_log, real_node, namespace, name)
    assert len(answer.body) > 49_000_000
    assert hashlib.sha256(answer.body).hexdigest() == hashlib.sha256(shown).hexdigest() == live


def kubectl_log(node: RealNode, namespace: str, pod: str) -> bytes:
    return node.kubectl_bytes("logs", pod, f"--namespace={namespace}")


async def test_long_lines_bytes_that_are_no_text_and_an_end_without_a_newline_stay_as_they_are(
    api: Caller, namespace: str, real_node: RealNode
) -> None:
    # Not "\r\n": containerd takes the carriage return away.
    script = (
        "head -c 1000000 /dev/zero | tr '\\0' x; echo; printf '\\377\\376\\r\\000\\n\\n';"
        " head -c 3000000 /dev/zero | tr '\\0' y; echo; printf 'the end'"
    )
    expected = b"x" * 1_000_000 + b"\n\xff\xfe\r\x00\n\n" + b"y" * 3_000_000 + b"\nthe end"
    await create(api, namespace, script_job("odd", script))
    async with followed(api, namespace, "odd", "prefix=false") as response:
        assert await whole(response) == expected
    (pod,) = await pods(api, namespace, "odd")
    name = pod["metadata"]["name"]
    assert (await log(api, namespace, "odd", f"pod={name}")).body == expected
    assert await asyncio.to_thread(kubectl_log, real_node, namespace, name) == expected
    prefix = f"[pod/{name}/main] ".encode()
    told = prefix + expected.replace(b"\n", b"\n" + prefix)
    assert (await log(api, namespace, "odd")).body == told
    async with followed(api, namespace, "odd") as response:
        assert await whole(response) == told


async def test_a_job_that_is_deleted_while_it_is_followed_ends_the_log_cleanly(api: Caller, namespace: str) -> None:
    await create(api, namespace, script_job("doomed", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done"))
    async with followed(api, namespace, "doomed", "prefix=false") as response:
        lines = [await next_line(response) for _ in range(5)]
        assert (await api("DELETE", job(namespace, "doomed"))).status == 200
        lines += (await whole(response)).splitlines(keepends=True)
    assert lines == [b"%d\n" % i for i in range(1, len(lines) + 1)]


@pytest.mark.parametrize("component", ["kubelet", "kube-apiserver"])
async def test_a_follower_loses_nothing_when_a_server_on_the_way_is_restarted(
    api: Caller, namespace: str, real_node: RealNode, component: str
) -> None:
    await create(api, namespace, script_job("lasting", NUMBERS))
    async with followed(api, namespace, "lasting", "prefix=false") as response:
        lines = [await next_line(response) for _ in range(5)]
        await asyncio.to_thread(real_node.stop_component, component)
        await asyncio.to_thread(real_node.start_component, component)
        lines += (await whole(response)).splitlines(keepends=True)
    assert lines == [b"%d\n" % i for i in range(1, 41)]
