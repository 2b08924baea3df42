"""The same Jobs end in the same way on the real control plane and in the sandbox."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from service.sandbox.store import Object
from tests.cluster.control_plane import ControlPlane
from tests.sandbox.virtual_time import Sandbox, sandbox
from tests.waiting import WATCHDOG_SECONDS

pytestmark = pytest.mark.cluster

FOREVER = 1_000_000
INDEXED = {"completionMode": "Indexed"}
FAIL_JOB = {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}}]}
COUNT_OTHERS = {
    "rules": [
        {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [1], "containerName": "main"}},
        {"action": "Count", "onExitCodes": {"operator": "In", "values": [1]}},
    ]
}

# Each is the Job's spec, how long its pods run, and their exit code.
SCENARIOS: dict[str, tuple[Object, float, int]] = {
    "one": ({}, 0.5, 0),
    "three-completions": ({"completions": 3}, 0.5, 0),
    "three-of-five": ({"completions": 5, "parallelism": 3}, 0.5, 0),
    "twelve": ({"completions": 12, "parallelism": 12}, 0.5, 0),
    "no-retry": ({"backoffLimit": 0}, 0.5, 1),
    "one-retry": ({"backoffLimit": 1}, 0.5, 1),
    "two-fail-at-once": ({"backoffLimit": 1, "completions": 2, "parallelism": 2}, 1, 3),
    "queue": ({"completions": None, "parallelism": 2}, 0.5, 0),
    "deadline": ({"activeDeadlineSeconds": 3}, FOREVER, 0),
    "deadline-of-two": ({"activeDeadlineSeconds": 3, "completions": 2, "parallelism": 2}, FOREVER, 0),
    "nothing-to-complete": ({"completions": 0}, 0.5, 0),
    "nothing-at-once": ({"parallelism": 0}, 0.5, 0),
    "suspended": ({"suspend": True}, 0.5, 0),
    "indexed": ({**INDEXED, "completions": 4, "parallelism": 4}, 0.5, 0),
    "indexed-failing": ({**INDEXED, "completions": 2, "parallelism": 1, "backoffLimit": 0}, 0.5, 1),
    "per-index": ({**INDEXED, "completions": 2, "parallelism": 2, "backoffLimitPerIndex": 0}, 0.5, 1),
    "per-index-retry": ({**INDEXED, "completions": 1, "parallelism": 1, "backoffLimitPerIndex": 1}, 0.5, 1),
    "max-failed": (
        {**INDEXED, "completions": 3, "parallelism": 3, "backoffLimitPerIndex": 0, "maxFailedIndexes": 0},
        1,
        1,
    ),
    "success-policy": (
        {**INDEXED, "completions": 3, "parallelism": 1, "successPolicy": {"rules": [{"succeededIndexes": "0-1"}]}},
        0.5,
        0,
    ),
    "fail-job": ({"podFailurePolicy": FAIL_JOB}, 0.5, 1),
    "count": ({"podFailurePolicy": COUNT_OTHERS, "backoffLimit": 0}, 0.5, 1),
    "full-container": ({**INDEXED, "completions": 1}, 0.5, 0),
    "init-and-sidecar": ({}, 0.5, 0),
    "init-and-sidecar-failing": ({"backoffLimit": 0}, 0.5, 1),
    "managed": ({"managedBy": "example.com/other"}, 0.5, 0),
}
# What else their containers and pods have.
MORE: dict[str, Object] = {
    "full-container": {
        "env": [{"name": "A", "value": "b"}],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"memory": "1Gi"}},
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    },
}
PODS: dict[str, Object] = {
    "full-container": {
        "volumes": [{"name": "scratch", "emptyDir": {}}],
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
        "hostNetwork": True,
    },
    "init-and-sidecar": {
        "initContainers": [
            {"name": "first", "image": "busybox", "command": ["true"]},
            {"name": "side", "image": "busybox", "command": ["sleep", "infinity"], "restartPolicy": "Always"},
        ],
        "automountServiceAccountToken": False,
    },
}
PODS["init-and-sidecar-failing"] = PODS["init-and-sidecar"]
AT_REST = {"nothing-at-once", "managed"}
# What never happens to a Job of another controller can only be waited for a while.
REST_SECONDS = 3.0


def manifest(name: str) -> Object:
    spec, seconds, code = SCENARIOS[name]
    forever = seconds == FOREVER
    annotations = {
        "job-api.test/run-seconds": "forever" if forever else str(seconds),
        "job-api.test/exit-code": str(code),
    }
    command = ["sh", "-c", f"sleep {'infinity' if forever else seconds}; exit {code}"]
    container = {"name": "main", "image": "busybox", "command": command, **MORE.get(name, {})}
    pod = {"restartPolicy": "Never", "containers": [container], **PODS.get(name, {})}
    template = {"metadata": {"annotations": annotations}, "spec": pod}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "agrees"},
        "spec": {**spec, "template": template},
    }


class Real:
    """What the real control plane made of the scenarios."""

    def __init__(self, cluster: ControlPlane) -> None:
        self._cluster = cluster
        self.jobs: dict[str, Object] = {}
        self.pods: list[Object] = []
        self.events: list[Object] = []
        cluster.kubectl("create", "namespace", "agrees")
        for name in SCENARIOS:
            cluster.kubectl("create", "--filename=-", input=json.dumps(manifest(name)))
        deadline = time.monotonic() + WATCHDOG_SECONDS
        rest = time.monotonic() + REST_SECONDS
        while time.monotonic() < rest or not self._is_settled():
            assert time.monotonic() < deadline, [name for name in SCENARIOS if not self._has_ended(name)]
            time.sleep(0.5)
            self._read()

    def close(self) -> None:
        self._cluster.kubectl("delete", "namespace", "agrees", "--wait=false")

    def _read(self) -> None:
        self.jobs = {each["metadata"]["name"]: each for each in self._items("jobs")}
        self.pods = self._items("pods")
        self.events = self._items("events")

    def _items(self, resource: str) -> list[Object]:
        text = self._cluster.kubectl(
            "get", resource, "--namespace=agrees", "--output=json", "--show-managed-fields"
        )
        items: list[Object] = json.loads(text)["items"]
        return items

    def _is_settled(self) -> bool:
        return bool(self.jobs) and all(self._has_ended(name) for name in SCENARIOS)

    def _has_ended(self, name: str) -> bool:
        """Return whether the Job came to its end and said so; the event, and the last count, come after that."""
        if name in AT_REST:
            return True
        said = {each["reason"] for each in self.events if each["involvedObject"]["name"] == name}
        status = self.jobs[name]["status"]
        has_said = bool(said - {"SuccessfulCreate", "SuccessfulDelete"} and status.get("conditions"))
        return has_said and not status.get("uncountedTerminatedPods")


@pytest.fixture(scope="module")
def real(control_plane: ControlPlane) -> Iterator[Real]:
    found = Real(control_plane)
    yield found
    found.close()


async def in_sandbox(box: Sandbox, job: Object) -> tuple[Object, list[Object], list[Object]]:
    """Run a Job as the real apiserver has stored it, without its status, and return it, its pods and its events."""
    metadata = {
        **job["metadata"],
        "managedFields": [each for each in job["metadata"]["managedFields"] if not by_us(each)],
    }
    fresh = {**job, "metadata": metadata, "status": {}}
    key = box.store.create("jobs", fresh).key
    await box.wait(60)
    events = [each.decoded() for each in box.store.list("events")]
    return box.job(key), box.pods(key), events


@pytest.mark.parametrize("name", SCENARIOS)
async def test_status_pods_and_events_are_the_same(real: Real, name: str) -> None:
    job = real.jobs[name]
    async with sandbox() as box:
        mine, pods, events = await in_sandbox(box, job)
    owned = [pod for pod in real.pods if pod["metadata"]["ownerReferences"][0]["name"] == name]
    assert normal(mine["status"], name) == normal(job["status"], name)
    assert normal(claims(mine), name) == normal(claims(job), name)
    assert shapes(pods, name) == shapes(owned, name)
    assert told(events, name) == told(real.events, name)


def by_us(entry: Object) -> bool:
    return bool(entry.get("subresource") == "status")


def claims(job: Object) -> list[Object]:
    return [each for each in job["metadata"]["managedFields"] if by_us(each)]


def shapes(pods: list[Object], name: str) -> list[Any]:
    return sorted((normal(shape(pod), name) for pod in pods), key=json.dumps)


def shape(pod: Object) -> Object:
    """Return what must be the same of a pod; how the fake node tells of containers is its own."""
    metadata, status = pod["metadata"], pod["status"]
    containers = [
        {key: each["state"]["terminated"][key] for key in ("exitCode", "reason")}
        for each in status["containerStatuses"]
    ]
    own = {"name", "uid", "resourceVersion", "creationTimestamp", "managedFields"}
    return {
        "metadata": {key: value for key, value in metadata.items() if key not in own},
        "spec": {**pod["spec"], "nodeName": "node"},
        "phase": status["phase"],
        "qosClass": status["qosClass"],
        "conditions": {
            each["type"]: [each["status"], each.get("reason"), each.get("message")] for each in status["conditions"]
        },
        "containers": containers,
    }


def told(events: list[Object], name: str) -> list[Any]:
    mine = [each for each in events if each["involvedObject"]["name"] == name]
    return sorted((normal(essence(each), name) for each in mine), key=json.dumps)


def essence(event: Object) -> Object:
    own = {"uid", "resourceVersion"}
    left_out = {"metadata", "firstTimestamp", "lastTimestamp", "involvedObject"}
    involved = {key: value for key, value in event["involvedObject"].items() if key not in own}
    return {**{key: value for key, value in event.items() if key not in left_out}, "involvedObject": involved}


def normal(value: Any, name: str) -> Any:
    """Return a value with the times and random names taken out."""
    text = json.dumps(value, sort_keys=True)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
    text = re.sub(r"kube-api-access-[a-z0-9]{5}", "kube-api-access-RANDOM", text)
    return json.loads(re.sub(rf"\b({name}(?:-\d+)?)-[bcdfghjklmnpqrstvwxz2-9]{{5}}\b", r"\1-RANDOM", text))
