"""A pod's status as the kubelet writes it.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
"""

import hashlib
from datetime import datetime
from typing import Any

from service.sandbox.clock import timestamp
from service.sandbox.kubelet.pod_run import Attempt, ContainerRun, PodRun
from service.sandbox.store import Object

HOST_IP = "127.0.0.1"


def status(pod: Object, run: PodRun, now: datetime) -> dict[str, Any]:
    """Return the status of a pod that has a node, in the order of the API's fields."""
    before = pod["status"]
    phase = run.phase
    begun = now >= run.begins_at
    inits = [_container(each, run, pod) for each in run.containers if each.role != "main"]
    return {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": phase,
        "conditions": _conditions(pod, run, phase, now),
        "hostIP": HOST_IP,
        "hostIPs": [{"ip": HOST_IP}],
        **({"podIP": run.ip, "podIPs": [{"ip": run.ip}]} if begun else {}),
        "startTime": before.get("startTime", timestamp(now)),
        **({"initContainerStatuses": inits} if inits else {}),
        "containerStatuses": [_container(each, run, pod) for each in run.mains],
        "qosClass": before["qosClass"],
    }


def scheduled(now: datetime) -> dict[str, Any]:
    """Return the condition that the scheduler gives a pod with its node."""
    return {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": timestamp(now)}


def waiting_reason(run: PodRun) -> str:
    """Return why a container has not begun yet."""
    waits = any(each.role != "main" for each in run.containers)
    return "PodInitializing" if waits else "ContainerCreating"


def _conditions(pod: Object, run: PodRun, phase: str, now: datetime) -> list[dict[str, Any]]:
    before = {each["type"]: each for each in pod["status"].get("conditions") or ()}
    ended = phase in {"Succeeded", "Failed"}
    ready = _readiness(run, phase)
    found = [
        _condition("PodReadyToStartContainers", not ended and now >= run.begins_at),
        _initialized(run, phase),
        _condition("Ready", *ready),
        _condition("ContainersReady", *ready),
        before.get("PodScheduled", scheduled(now)),
    ]
    for each in found[:-1]:
        old = before.get(each["type"])
        same = old is not None and old["status"] == each["status"]
        each["lastTransitionTime"] = old["lastTransitionTime"] if same and old else timestamp(now)
        each["observedGeneration"] = pod["metadata"].get("generation", 1)
    return found


def _readiness(run: PodRun, phase: str) -> tuple[bool, str, str]:
    if phase in {"Succeeded", "Failed"}:
        return False, "PodCompleted" if phase == "Succeeded" else "PodFailed", ""
    unready = [each.spec["name"] for each in run.containers if each.role != "init" and not each.is_running]
    if not unready:
        return True, "", ""
    return False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"


def _initialized(run: PodRun, phase: str) -> dict[str, Any]:
    if phase == "Succeeded":
        return _condition("Initialized", True, "PodCompleted")
    incomplete = [each.spec["name"] for each in run.containers if each.role != "main" and not _is_done(each)]
    if not incomplete or any(each.attempt for each in run.mains):
        return _condition("Initialized", True)
    message = f"containers with incomplete status: [{' '.join(incomplete)}]"
    return _condition("Initialized", False, "ContainersNotInitialized", message)


def _is_done(each: ContainerRun) -> bool:
    return each.attempt is not None if each.role == "sidecar" else each.has_succeeded


def _condition(type_: str, holds: bool, reason: str = "", message: str = "") -> dict[str, Any]:
    return {
        "type": type_,
        "observedGeneration": 0,
        "status": "True" if holds else "False",
        "lastProbeTime": None,
        "lastTransitionTime": None,
        **({"reason": reason} if reason else {}),
        **({"message": message} if message else {}),
    }


def _container(each: ContainerRun, run: PodRun, pod: Object) -> dict[str, Any]:
    image = each.spec.get("image", "")
    attempt = each.attempt
    return {
        "name": each.spec["name"],
        "state": _state(each, run, pod),
        "lastState": _last_state(each),
        "ready": each.is_running if each.role != "init" else each.has_succeeded,
        "restartCount": 0 if attempt is None else attempt.number,
        "image": image,
        "imageID": "" if attempt is None else f"{image}@sha256:{hashlib.sha256(image.encode()).hexdigest()}",
        **({} if attempt is None else {"containerID": each.id_of(attempt)}),
        "started": each.is_running and each.role != "init",
    }


def _state(each: ContainerRun, run: PodRun, pod: Object) -> dict[str, Any]:
    attempt = each.attempt
    if attempt is None:
        return {"waiting": {"reason": waiting_reason(run)}}
    if each.restart_at is not None:
        metadata = pod["metadata"]
        name = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        what = f"restarting failed container={each.spec['name']} pod={name}"
        return {"waiting": {"reason": "CrashLoopBackOff", "message": f"back-off {each.backoff_seconds:g}s {what}"}}
    if attempt.ended_at is None:
        return {"running": {"startedAt": timestamp(attempt.started_at)}}
    return {"terminated": _ended(each, attempt)}


def _last_state(each: ContainerRun) -> dict[str, Any]:
    last = each.latest_ended
    return {"terminated": _ended(each, last)} if last is not None else {}


def _ended(each: ContainerRun, attempt: Attempt) -> dict[str, Any]:
    ended_at = attempt.ended_at or attempt.started_at
    return {
        "exitCode": attempt.exit_code,
        "reason": "Completed" if attempt.exit_code == 0 else "Error",
        "startedAt": timestamp(attempt.started_at),
        "finishedAt": timestamp(ended_at),
        "containerID": each.id_of(attempt),
    }
