"""Pods run on the sandbox's node, and say so as on a real one."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.sandbox.store import Key, Object
from tests.sandbox.virtual_time import Sandbox, running, sandbox


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with sandbox() as running_sandbox:
        yield running_sandbox


def pod_key(pod: Object) -> Key:
    return Key("pods", "default", pod["metadata"]["name"])


async def the_pod(box: Sandbox, key: Key) -> Object:
    pods: list[Object] = await box.until(lambda: box.pods(key))
    return pods[0]


async def pod_when(box: Sandbox, key: Key, phase: str) -> Object:
    await box.until(lambda: [pod for pod in box.pods(key) if pod["status"]["phase"] == phase])
    return box.pods(key)[0]


def condition(pod: Object, type_: str) -> tuple[str, str | None, str | None]:
    found = next(each for each in pod["status"]["conditions"] if each["type"] == type_)
    return found["status"], found.get("reason"), found.get("message")


def states(statuses: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each["state"] for each in statuses}


async def test_a_pod_goes_from_pending_to_succeeded(box: Sandbox) -> None:
    seen: list[tuple[str, list[str]]] = []

    def look(change: Any) -> None:
        if change.stored.key.resource == "pods":
            status = change.stored.decoded()["status"]
            containers = [next(iter(each["state"])) for each in status.get("containerStatuses", ())]
            if not seen or seen[-1] != (status["phase"], containers):
                seen.append((status["phase"], containers))

    box.store.listeners.append(look)
    await box.finished(box.create("steps"))
    assert seen == [
        ("Pending", []),
        ("Pending", ["waiting"]),
        ("Running", ["running"]),
        ("Succeeded", ["terminated"]),
    ]


async def test_a_waiting_pod_says_what_for(box: Sandbox) -> None:
    key = box.create("waits")
    pod = await the_pod(box, key)
    pod = await box.until(lambda: [p for p in box.pods(key) if "startTime" in p["status"]])
    pod = box.pods(key)[0]
    assert pod["spec"]["nodeName"] == "sandbox"
    assert states(pod["status"]["containerStatuses"]) == {"main": {"waiting": {"reason": "ContainerCreating"}}}
    unready = ("False", "ContainersNotReady", "containers with unready status: [main]")
    assert condition(pod, "Ready") == condition(pod, "ContainersReady") == unready
    assert condition(pod, "PodScheduled") == condition(pod, "Initialized") == ("True", None, None)


async def test_a_running_pod_is_ready_and_has_an_address(box: Sandbox) -> None:
    pod = await pod_when(box, box.create("runs", running("sleep", "5")), "Running")
    assert [each["type"] for each in pod["status"]["conditions"]] == [
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    ]
    assert {each["status"] for each in pod["status"]["conditions"]} == {"True"}
    assert pod["status"]["podIPs"] == [{"ip": pod["status"]["podIP"]}]
    container = pod["status"]["containerStatuses"][0]
    assert (container["ready"], container["started"], container["restartCount"]) == (True, True, 0)
    assert container["state"].keys() == {"running"}


@pytest.mark.parametrize(
    ("script", "phase", "code", "reasons"),
    [
        ("exit 0", "Succeeded", 0, ("Completed", "PodCompleted")),
        ("exit 7", "Failed", 7, ("Error", "PodFailed")),
    ],
)
async def test_a_finished_pod_says_how_it_ended(
    box: Sandbox, script: str, phase: str, code: int, reasons: tuple[str, str]
) -> None:
    pod = await pod_when(box, box.create("ends", running("sh", "-c", script), backoffLimit=0), phase)
    container = pod["status"]["containerStatuses"][0]
    ended = container["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (code, reasons[0])
    assert ended["containerID"] == container["containerID"]
    assert condition(pod, "Ready") == ("False", reasons[1], None)
    assert condition(pod, "PodReadyToStartContainers") == ("False", None, None)


async def test_init_containers_run_in_order_before_the_others(box: Sandbox) -> None:
    inits = [{"name": name, "image": "busybox", "command": ["sleep", "5"]} for name in ("first", "second")]
    key = box.create("inits", {**running("sleep", "5"), "initContainers": inits})
    await box.until(
        lambda: any("second" in str(pod["status"].get("initContainerStatuses")) for pod in box.pods(key))
    )
    await box.wait(1)
    status = box.pods(key)[0]["status"]
    assert status["phase"] == "Pending"
    assert states(status["containerStatuses"]) == {"main": {"waiting": {"reason": "PodInitializing"}}}
    assert [next(iter(each["state"])) for each in status["initContainerStatuses"]] == ["running", "waiting"]
    message = "containers with incomplete status: [first second]"
    assert condition(box.pods(key)[0], "Initialized") == ("False", "ContainersNotInitialized", message)
    await box.wait(6)
    status = box.pods(key)[0]["status"]
    assert [next(iter(each["state"])) for each in status["initContainerStatuses"]] == ["terminated", "running"]
    assert (await pod_when(box, key, "Running"))["status"]["initContainerStatuses"][1]["ready"]
    assert (await box.finished(key))["succeeded"] == 1


async def test_a_failed_init_container_fails_the_pod(box: Sandbox) -> None:
    init = {"name": "first", "image": "busybox", "command": ["false"]}
    key = box.create("badinit", {**running("true"), "initContainers": [init]}, backoffLimit=0)
    pod = await pod_when(box, key, "Failed")
    assert states(pod["status"]["containerStatuses"]) == {"main": {"waiting": {"reason": "PodInitializing"}}}


async def test_a_sidecar_runs_beside_and_ends_with_the_others(box: Sandbox) -> None:
    side = {"name": "side", "image": "busybox", "command": ["sleep", "infinity"], "restartPolicy": "Always"}
    key = box.create("sidecar", {**running("sleep", "2"), "initContainers": [side]})
    pod = await pod_when(box, key, "Running")
    assert "running" in pod["status"]["initContainerStatuses"][0]["state"]
    assert (await box.finished(key))["succeeded"] == 1
    assert "terminated" in box.pods(key)[0]["status"]["initContainerStatuses"][0]["state"]


async def test_one_failed_container_fails_the_pod_after_the_others_ended(box: Sandbox) -> None:
    containers = [
        {"name": "bad", "image": "busybox", "command": ["false"]},
        {"name": "good", "image": "busybox", "command": ["sleep", "5"]},
    ]
    key = box.create("two", {"containers": containers}, backoffLimit=0)
    await box.until(
        lambda: any("bad" in str(condition(pod, "Ready")) for pod in box.pods(key) if pod["status"].get("podIP"))
    )
    pod = box.pods(key)[0]
    assert pod["status"]["phase"] == "Running"
    assert condition(pod, "Ready")[2] == "containers with unready status: [bad]"
    assert (await box.finished(key))["failed"] == 1


async def test_a_container_is_started_again_in_its_pod(box: Sandbox) -> None:
    key = box.create("again", {**running("sh", "-c", "echo hello; exit 1"), "restartPolicy": "OnFailure"})
    await box.until(lambda: any("CrashLoopBackOff" in str(pod["status"]) for pod in box.pods(key)))
    pod = box.pods(key)[0]
    container = pod["status"]["containerStatuses"][0]
    assert container["restartCount"] >= 1
    assert container["lastState"]["terminated"]["exitCode"] == 1
    assert pod["status"]["phase"] == "Running"
    assert "BackOff" in [reason for reason, _ in box.told(pod["metadata"]["name"])]


async def test_a_deleted_pod_is_ended_and_goes(box: Sandbox) -> None:
    key = box.create("deleted", running("sleep", "infinity"), parallelism=1)
    pod = await pod_when(box, key, "Running")
    box.delete_pod(pod)
    marked = box.store.get(pod_key(pod))
    assert marked is not None
    assert marked.decoded()["metadata"]["deletionGracePeriodSeconds"] == 30
    await box.until(lambda: box.store.get(pod_key(pod)) is None)
    last = next(each for each in reversed(list(box.store.changes_since(1))) if each.stored.key == pod_key(pod))
    status = last.stored.decoded()["status"]
    assert status["phase"] == "Failed"
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137
    assert box.told(pod["metadata"]["name"])[-1] == ("Killing", "Stopping container main")


async def test_events_tell_how_a_pod_was_started(box: Sandbox) -> None:
    key = box.create("told")
    await box.finished(key)
    name = box.pods(key)[0]["metadata"]["name"]
    assert box.told(name) == [
        ("Scheduled", f"Successfully assigned default/{name} to sandbox"),
        ("Pulled", 'Container image "busybox" already present on machine and can be accessed by the pod'),
        ("Created", "Container created"),
        ("Started", "Container started"),
    ]


@pytest.mark.parametrize(
    ("resources", "qos"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
    ],
)
async def test_a_pod_has_its_quality_of_service(box: Sandbox, resources: Object, qos: str) -> None:
    pod = await the_pod(box, box.create("qos", running("true", resources=resources)))
    assert pod["status"]["qosClass"] == qos
