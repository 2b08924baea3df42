"""Tables, which kubectl prints: one row an object, with the cells that kube-apiserver's own printers would give."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from service.errors import BadRequest
from service.sandbox.controllers import pods
from service.sandbox.http.columns import COLUMNS
from service.sandbox.kinds import Kind
from service.sandbox.store import Object

Cells = list[Any]
_JOB_STATES = ("Complete", "Failed", "Terminating", "Suspended", "FailureTarget", "SuccessCriteriaMet")
_POD_CONDITIONS = MappingProxyType(
    {
        "Succeeded": ("Completed", "Succeeded", "The pod has completed successfully."),
        "Failed": ("Completed", "Failed", "The pod failed."),
    }
)
_NONE = "<none>"


def table(
    kind: Kind, metadata: Mapping[str, Any], objects: Sequence[Object], version: str, include_object: str
) -> Object:
    """Return a metav1.Table.

    Args:
        kind: that of the objects.
        metadata: the Table's.
        objects: the whole objects, each with its kind and apiVersion.
        version: that of meta.k8s.io.
        include_object: what of an object goes along with its row: None, Metadata (also if empty), or Object.

    Raises:
        BadRequest: `include_object` is something else.
    """
    check_include_object(include_object)
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": metadata,
        "columnDefinitions": [dict(column) for column in COLUMNS[kind.plural]],
        "rows": [_row(kind, each, version, include_object) for each in objects],
    }


def check_include_object(include_object: str) -> None:
    """Check what is to go along with the rows of a Table.

    Raises:
        BadRequest: it is nothing that could.
    """
    if include_object not in {"", "None", "Metadata", "Object"}:
        raise BadRequest(
            f'Unable to convert to Table as requested: includeObject: Invalid value: "{include_object}": '
            "must be 'Metadata', 'Object', 'None', or empty"
        )


def _row(kind: Kind, content: Object, version: str, include_object: str) -> Object:
    row: Object = {"cells": _CELLS[kind.plural](content)}
    if kind.plural == "pods" and (condition := _POD_CONDITIONS.get(pods.phase(content))):
        type_, reason, message = condition
        row["conditions"] = [{"type": type_, "status": "True", "reason": reason, "message": message}]
    if include_object == "Object":
        row["object"] = content
    elif include_object == "None":
        row["object"] = None
    else:
        of = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}"}
        row["object"] = {**of, "metadata": content["metadata"]}
    return row


def _job_cells(job: Object) -> Cells:
    spec, status = job["spec"], job.get("status", {})
    containers = spec["template"]["spec"]["containers"] or ()  # none in a bookmark
    return [
        job["metadata"].get("name", ""),
        _job_state(job),
        _completions(spec, status),
        _job_duration(status),
        age(job["metadata"].get("creationTimestamp")),
        ",".join(each["name"] for each in containers),
        ",".join(each["image"] for each in containers),
        _selector(spec.get("selector")),
    ]


def _job_state(job: Object) -> str:
    conditions = job.get("status", {}).get("conditions") or ()
    states = {each["type"] for each in conditions if each["status"] == "True"}
    if "deletionTimestamp" in job["metadata"]:
        states.add("Terminating")
    return next((state for state in _JOB_STATES if state in states), "Running")


def _completions(spec: Object, status: Object) -> str:
    succeeded = status.get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _job_duration(status: Object) -> str:
    start, end = status.get("startTime"), status.get("completionTime")
    if start is None:
        return ""
    return human_duration(((_time(end) if end else datetime.now(UTC)) - _time(start)).total_seconds())


def _selector(selector: Object | None) -> str:
    """Write a LabelSelector as kubectl shows it."""
    if not selector:
        return _NONE
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    operators = {"In": "in", "NotIn": "notin", "Exists": "", "DoesNotExist": "!"}
    for each in sorted(selector.get("matchExpressions") or (), key=lambda term: str(term["key"])):
        operator = operators.get(each["operator"], each["operator"])
        if operator in {"", "!"}:
            terms.append(f"{operator}{each['key']}")
        else:
            terms.append(f"{each['key']} {operator} ({','.join(sorted(each.get('values', ())))})")
    return ",".join(terms) or _NONE


def _pod_cells(pod: Object) -> Cells:
    spec, status = pod["spec"], pod.get("status", {})
    statuses = status.get("containerStatuses") or ()
    running = sum(1 for each in statuses if each.get("ready") and "running" in each.get("state", {}))
    addresses = status.get("podIPs") or [{}]
    return [
        pod["metadata"].get("name", ""),
        f"{running}/{len(spec['containers'] or ())}",
        _pod_state(pod),
        _restarts(statuses),
        age(pod["metadata"].get("creationTimestamp")),
        addresses[0].get("ip") or _NONE,
        spec.get("nodeName") or _NONE,
        status.get("nominatedNodeName") or _NONE,
        _NONE,
    ]


def _restarts(statuses: Sequence[Object]) -> str:
    count = sum(each.get("restartCount", 0) for each in statuses)
    ends = [each.get("lastState", {}).get("terminated", {}).get("finishedAt") for each in statuses]
    return f"{count} ({age(max(filter(None, ends)))} ago)" if count and any(ends) else str(count)


def _pod_state(pod: Object) -> str:
    status, phase = pod.get("status", {}), pods.phase(pod)
    if "deletionTimestamp" in pod["metadata"] and phase not in {"Succeeded", "Failed"}:
        return "Terminating"
    state, error, is_running = status.get("reason") or phase, "", False
    for each in reversed(status.get("containerStatuses") or ()):
        of = each.get("state", {})
        if (of.get("waiting") or {}).get("reason"):
            state = of["waiting"]["reason"]
        elif ended := of.get("terminated"):
            state = ended.get("reason") or f"ExitCode:{ended['exitCode']}"
            error = state if ended["exitCode"] else error
        elif each.get("ready") and "running" in of:
            is_running = True
    if state != "Completed":
        return str(state)
    if is_running:
        return "Running" if pods.is_ready(pod) else error or "NotReady"
    return error or state


def _event_cells(event: Object) -> Cells:
    first = age(event.get("firstTimestamp") or event.get("eventTime"))
    last = age(event["lastTimestamp"]) if event.get("lastTimestamp") else first
    involved, source = event.get("involvedObject", {}), event.get("source", {})
    component = source.get("component") or event.get("reportingComponent") or ""
    host = source.get("host") or event.get("reportingInstance") or ""
    kind = involved.get("kind", "").lower()
    return [
        last,
        event.get("type", ""),
        event.get("reason", ""),
        f"{kind}/{involved['name']}" if involved.get("name") else kind,
        involved.get("fieldPath", ""),
        f"{component}, {host}" if host else component,
        event.get("message", "").strip(),
        first,
        event.get("count") or 1,
        event["metadata"].get("name", ""),
    ]


_CELLS: Mapping[str, Callable[[Object], Cells]] = MappingProxyType(
    {"jobs": _job_cells, "pods": _pod_cells, "events": _event_cells}
)


def age(time: str | None) -> str:
    """Return how long ago a time was, in kubectl's words."""
    return "<unknown>" if time is None else human_duration((datetime.now(UTC) - _time(time)).total_seconds())


def human_duration(seconds: float) -> str:
    """Return a duration as kubectl shows it: two units at most, the finer the shorter it is.

    https://pkg.go.dev/k8s.io/apimachinery/pkg/util/duration#HumanDuration
    """
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 120:
        return f"{max(whole, 0)}s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    for most, unit, rest in (
        (minutes < 10, f"{minutes}m", f"{whole % 60}s"),
        (minutes < 180, f"{minutes}m", ""),
        (hours < 8, f"{hours}h", f"{minutes % 60}m"),
        (hours < 48, f"{hours}h", ""),
        (days < 8, f"{days}d", f"{hours % 24}h"),
        (days < 730, f"{days}d", ""),
        (days < 2920, f"{days // 365}y", f"{days % 365}d"),
    ):
        if most:
            return unit if rest[:-1] in {"", "0"} else unit + rest
    return f"{days // 365}y"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
