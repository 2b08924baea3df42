"""Logs of many pods on fake nodes, whose lines are known: nothing is lost, torn, mixed, or told twice."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.contract.logged import by_origin, container, create, log, logging, name_of, pods_in

pytestmark = pytest.mark.cluster

_PODS = 50
_LINES = 200
_CONTAINERS = ("main", "beside")
_BEGIN = datetime(2026, 1, 31, 12, tzinfo=UTC)
# kwok's stages take these for how a pod ends.
_FAILS = {"job-api.test/exit-code": "1"}


def lines_of(pod: str, name: str) -> list[bytes]:
    """Return what a container has written: a line a second, some of them long, not all of them text."""
    return [b"%s/%s %d " % (pod.encode(), name.encode(), i) + b"\xff" * (i % 7 * 900) for i in range(_LINES)]


async def write_logs(control_plane: ControlPlane, namespace: str, pods: Sequence[str]) -> None:
    def write() -> None:
        for pod in pods:
            control_plane.write_log(
                namespace,
                pod,
                {
                    name: [
                        (_BEGIN + timedelta(seconds=i), line + b"\n") for i, line in enumerate(lines_of(pod, name))
                    ]
                    for name in _CONTAINERS
                },
            )

    await asyncio.to_thread(write)


@pytest.fixture
async def pods(control_plane: ControlPlane, direct: Caller, namespace: str) -> list[str]:
    """Return the names of a Job's fifty pods, which ran at once and have logged."""
    manifest = logging(
        "wide", *(container(name, "true") for name in _CONTAINERS), parallelism=_PODS, completions=_PODS
    )
    await create(direct, namespace, manifest)
    names = [name_of(pod) for pod in await pods_in(direct, namespace, _PODS, "Succeeded")]
    await write_logs(control_plane, namespace, names)
    return names


async def test_each_line_of_fifty_pods_with_two_containers_is_there_once_and_in_order(
    api: Caller, namespace: str, pods: list[str]
) -> None:
    async def expect(query: str, first: int) -> None:
        answer = await api("GET", log(namespace, "wide", f"allContainers=true&{query}"))
        expected = {f"{pod}/{name}": lines_of(pod, name)[first:] for pod in pods for name in _CONTAINERS}
        assert by_origin(answer.body) == expected, query

    await expect("", 0)
    await expect("tailLines=17", _LINES - 17)
    await expect("sinceTime=2026-01-31T12:03:00Z", 180)
    await expect("sinceTime=2026-01-31T12:02:30Z&tailLines=100", 150)


async def test_times_and_limits_hold_for_each_container(api: Caller, namespace: str, pods: list[str]) -> None:
    answer = await api("GET", log(namespace, "wide", "container=beside&timestamps=true&tailLines=1"))
    time = (_BEGIN + timedelta(seconds=_LINES - 1)).strftime("%Y-%m-%dT%H:%M:%S.000000000Z ").encode()
    assert by_origin(answer.body) == {f"{pod}/beside": [time + lines_of(pod, "beside")[-1]] for pod in pods}
    answer = await api("GET", log(namespace, "wide", "container=main&limitBytes=2000"))
    expected = {f"{pod}/main": b"\n".join(lines_of(pod, "main"))[:2000].split(b"\n") for pod in pods}
    assert by_origin(answer.body) == expected


async def test_a_pod_that_failed_and_the_one_that_came_after_it_are_both_read(
    api: Caller, control_plane: ControlPlane, direct: Caller, namespace: str
) -> None:
    manifest = logging(
        "retried", *(container(name, "true") for name in _CONTAINERS), annotations=_FAILS, backoffLimit=1
    )
    await create(direct, namespace, manifest)
    names = [name_of(pod) for pod in await pods_in(direct, namespace, 2, "Failed")]
    await write_logs(control_plane, namespace, names)
    answer = await api("GET", log(namespace, "retried"))
    assert list(by_origin(answer.body).items()) == [(f"{name}/main", lines_of(name, "main")) for name in names]
