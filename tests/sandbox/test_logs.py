"""What a container of the sandbox writes is read and followed as the kubelet and the apiserver let it be."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from service.errors import BadRequest
from service.sandbox.kubelet.container_log import PIECE_BYTES, ContainerLog
from service.sandbox.kubelet.log_reader import LogOptions, timestamp
from service.sandbox.kubelet.pod_run import Attempt
from service.sandbox.kubelet.programs import Output, Program
from service.sandbox.store import Key, Object
from tests.sandbox.virtual_time import START, Sandbox, running, sandbox


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with sandbox() as running_sandbox:
        yield running_sandbox


def script(text: str, **more: Any) -> Object:
    return {**running("sh", "-c", text), **more}


async def the_pod(box: Sandbox, key: Key, phase: str = "Running") -> Object:
    await box.until(lambda: [pod for pod in box.pods(key) if pod["status"]["phase"] == phase])
    return box.pods(key)[0]


class Follower:
    """Reads a log that is followed, in a task of its own."""

    def __init__(self, box: Sandbox, pod: Object, **options: Any) -> None:
        key = Key("pods", "default", pod["metadata"]["name"])
        self.read: list[bytes] = []
        self._log = box.kubelet.log(key, "main", LogOptions(follow=True, **options))
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for text in self._log:
            self.read.append(text)


async def test_the_first_example_prints_220_three_times(box: Sandbox) -> None:
    key = box.create("sleep1", running("echo", "220"), completions=3)
    await box.finished(key)
    assert [await box.log(pod) for pod in box.pods(key)] == [b"220\n"] * 3


async def test_a_line_is_written_when_it_is_whole_or_the_container_ends(box: Sandbox) -> None:
    key = box.create("grows", script("echo a; sleep 10; printf b; sleep 1; printf 'c\\nd'; sleep 10"))
    pod = await the_pod(box, key)
    start = box.clock.time
    await box.wait(10.5)
    assert await box.log(pod) == b"a\n"
    await box.finished(key)
    times = [timestamp(start + timedelta(seconds=seconds)) for seconds in (0, 11, 21)]
    assert await box.log(pod, timestamps=True) == b"%b a\n%b bc\n%b d" % tuple(times)


async def test_what_is_followed_comes_when_it_is_written(box: Sandbox) -> None:
    key = box.create("followed", script("echo a; sleep 10; echo b; sleep 10; printf c"))
    follower = Follower(box, await the_pod(box, key))
    await box.wait(9)
    assert follower.read == [b"a\n"]
    await box.wait(2)
    assert follower.read == [b"a\n", b"b\n"]
    await box.finished(key)
    await follower.task
    assert follower.read == [b"a\n", b"b\n", b"c"]


async def test_following_begins_with_the_tail_and_ends_with_the_limit(box: Sandbox) -> None:
    key = box.create("part", script("echo a; echo b; sleep 10; echo c; sleep 10; echo d"))
    pod = await the_pod(box, key)
    followers = [Follower(box, pod, tail_lines=lines, limit_bytes=4) for lines in (0, 1)]
    await box.wait(15)
    assert [follower.read for follower in followers] == [[b"c\n"], [b"b\n", b"c\n"]]
    await followers[1].task
    await box.finished(key)
    await followers[0].task
    assert followers[0].read == [b"c\n", b"d\n"]


@pytest.mark.parametrize("forced", [False, True])
async def test_following_ends_when_the_pod_is_deleted(box: Sandbox, forced: bool) -> None:
    pod = await the_pod(box, box.create("deleted", script("echo a; sleep infinity")))
    follower = Follower(box, pod)
    await box.wait(1)
    if forced:
        box.store.delete(Key("pods", "default", pod["metadata"]["name"]))
    else:
        box.delete_pod(pod)
        await box.wait(1)
    await follower.task
    assert follower.read == [b"a\n"]
    with pytest.raises(BadRequest, match=r'^container "main" in pod ".*" is not available$'):
        await box.log(pod)


async def test_who_stops_following_leaves_nothing_behind(box: Sandbox) -> None:
    pod = await the_pod(box, box.create("left", script("sleep 1000; echo a")))
    await box.wait(1)
    before = box.clock.waiting
    followers = [Follower(box, pod) for _ in range(3)]
    await box.wait(1)
    assert box.clock.waiting == before + len(followers)
    for follower in followers:
        follower.task.cancel()
    await asyncio.gather(*(follower.task for follower in followers), return_exceptions=True)
    assert box.clock.waiting == before
    await box.wait(2000)
    assert [follower.read for follower in followers] == [[]] * 3


async def test_before_it_begins_a_container_has_no_log(box: Sandbox) -> None:
    for more, reason in ({}, "ContainerCreating"), ({"initContainers": [_init()]}, "PodInitializing"):
        key = box.create(f"early-{reason}".lower(), {**script("echo a"), **more})
        pod = (await box.until(lambda key=key: box.pods(key)))[0]  # type: ignore[misc]
        told = f'^container "main" in pod "{pod["metadata"]["name"]}" is waiting to start: {reason}$'
        with pytest.raises(BadRequest, match=told):
            await box.log(pod)


async def test_init_containers_have_logs(box: Sandbox) -> None:
    key = box.create("init", {**script("echo main"), "initContainers": [_init()]})
    await box.finished(key)
    pod = box.pods(key)[0]
    assert (await box.log(pod, "first"), await box.log(pod)) == (b"first\n", b"main\n")


async def test_of_a_container_that_was_started_again_the_run_before_has_a_log_too(box: Sandbox) -> None:
    key = box.create("again", script("echo a; sleep 5; exit 1", restartPolicy="OnFailure"))
    pod = await the_pod(box, key)
    first = b"%b a\n" % timestamp(box.clock.time)
    told = r'^previous terminated container "main" in pod ".*" not found$'
    with pytest.raises(BadRequest, match=told):
        await box.log(pod, previous=True)
    await box.until(lambda: box.pods(key)[0]["status"]["containerStatuses"][0]["restartCount"] == 1)
    assert await box.log(pod, previous=True, follow=True, timestamps=True) == first
    assert first != await box.log(pod, timestamps=True)
    await box.until(lambda: "CrashLoopBackOff" in str(box.pods(key)[0]["status"]))
    # While the next run waits, the latest is both what it shows and what was before.
    assert await box.log(pod, timestamps=True) == await box.log(pod, previous=True, timestamps=True)


async def test_since_leaves_out_what_is_older(box: Sandbox) -> None:
    key = box.create("since", script("echo a; sleep 10; echo b; sleep 10; echo c; sleep 10"))
    pod = await the_pod(box, key)
    start = box.clock.time
    await box.wait(25)
    assert await box.log(pod, since_time=start + timedelta(seconds=10)) == b"b\nc\n"
    assert await box.log(pod, since_seconds=6) == b"c\n"
    assert await box.log(pod, since_seconds=10**18) == b"a\nb\nc\n"


def test_a_long_line_is_written_in_pieces() -> None:
    size = 2 * PIECE_BYTES
    program = Program((Output(0, b"x" * size + b"\n" + b"y" * size + b"z"),), 1, 0)
    log = ContainerLog(program, Attempt(0, START, START + timedelta(seconds=1)))
    pieces = [(len(line.text), line.text[-1:]) for line in log.written(START + timedelta(seconds=1))]
    assert pieces == [(PIECE_BYTES, b"x"), (PIECE_BYTES + 1, b"\n"), *[(PIECE_BYTES, b"y")] * 2, (1, b"z")]


def _init() -> Object:
    return {"name": "first", "image": "busybox", "command": ["echo", "first"]}
