"""The tables of the documents, made from what the code declares; a document marks where each of them stands."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from service.access.rights import RIGHTS, Right
from service.api.operations import Operation
from service.api.parameters import Parameter
from service.api.routes import OPERATIONS
from service.metrics import FAMILIES
from service.settings import Settings, flag_of, variable_of

_MARKED = re.compile(r"(<!-- ([a-z ]+): written by [^>]*-->\n)(.*?)(<!-- /\2 -->)", re.DOTALL)
_ROOT = Path(__file__).parents[1]
_ONE_NAME = "`fieldSelector=metadata.name=NAME`"
# What the paths of the contract's table are short for.
_SHORT = (
    ("/api/v1/_raw/job/namespace/{namespace}/name/{name}", "JOB"),
    ("/api/v1/_raw/job/namespace/{namespace}", "JOBS"),
)


def with_tables(text: str) -> str:
    """Return a document's text with its tables as they are now."""
    return _MARKED.sub(lambda match: match.group(1) + TABLES[match.group(2)]() + match.group(4), text)


def tables_in(text: str) -> set[str]:
    """Return the names of the tables that a document has."""
    return {match.group(2) for match in _MARKED.finditer(text)}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (f"| {' | '.join(cells)} |" for cells in (head, *rows))
    return "\n".join((next(lines), "|---" * len(head) + "|", *lines)) + "\n"


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def settings_table() -> str:
    """Return every setting."""

    def row(name: str, default: str | None, told: str) -> Sequence[str]:
        return f"`{flag_of(name)}`", f"`{variable_of(name)}`", "" if default is None else f"`{default}`", told

    rows = (row(each.name, each.metadata["default"], each.metadata["help"]) for each in fields(Settings))
    return _table(("flag", "environment", "default", "what it is"), rows)


def metrics_table() -> str:
    """Return every metric of ours."""
    rows = ((f"`{each.name}`", each.kind, _codes(each.labels), each.told) for each in FAMILIES)
    return _table(("metric", "type", "labels", "what it says"), rows)


def routes_table() -> str:
    """Return every call with what it does."""
    rows = ((each.method, f"`{each.path}`", f"`{each.id}`", each.summary) for each in OPERATIONS)
    return _table(("method", "path", "call", "what it does"), rows)


def parameters_table() -> str:
    """Return every query parameter, with the calls that know it as the same."""
    calls: dict[tuple[str, str, str, str], list[str]] = {}
    for operation in OPERATIONS:
        for each in operation.query.values():
            calls.setdefault(_parameter_cells(each), []).append(operation.id)
    rows = (
        (f"`{name}`", _codes(of), told, expects, default) for (name, told, expects, default), of in calls.items()
    )
    return _table(("parameter", "of", "what it is", "its value", "default"), rows)


def rights_table() -> str:
    """Return what each call takes, by the calls of `RIGHTS`."""
    rows = ((call, _codes(_operations_of(call)), _rights(call)) for call in RIGHTS)
    return _table(("call", "of", "takes"), rows)


def contract_routes_table() -> str:
    """Return every call with its answers and what it takes, as the contract tells them."""
    rows = ((f"`{each.method} {_short(each.path)}`", _answers(each), _calls_taken(each)) for each in OPERATIONS)
    return _table(("call", "answer", "rights"), rows)


def contract_parameters_table() -> str:
    """Return the names of the query parameters that each call knows."""
    rows = (
        (f"`{each.method} {_short(each.path)}`", _codes(each.query) or "none") for each in OPERATIONS if each.calls
    )
    return _table(("call", "query parameters"), rows)


def versions_table() -> str:
    """Return the versions that the tests run with."""
    cluster, node = "tests/cluster/go.mod", "tests/cluster/node/containerd/go.mod"
    rows = (
        (
            "kube-apiserver, its controllers, scheduler, kubelet, kubectl",
            _first(r"^\s*k8s\.io/kubernetes (v\S+)", cluster),
        ),
        ("etcd", _first(r"^\s*go\.etcd\.io/etcd/server/v3 (v\S+)", cluster)),
        ("kwok, whose fake nodes run pods in name only", _first(r"^\s*sigs\.k8s\.io/kwok (v\S+)", cluster)),
        ("containerd, on a real node", _first(r"^\s*github\.com/containerd/containerd/v2 (v\S+)", node)),
        ("helm", _first(r"^\s*helm\.sh/helm/v4 (v\S+)", "tests/deploy/helm_module/go.mod")),
        (
            "Kubernetes that the chart accepts",
            _first(r'^kubeVersion: "(.+)"$', "deploy/chart/Chart.yaml"),
        ),
    )
    return _table(("program", "version"), ((what, f"`{version}`") for what, version in rows))


def _parameter_cells(parameter: Parameter) -> tuple[str, str, str, str]:
    default = "" if parameter.default is None else f"`{parameter.default}`"
    return parameter.name, parameter.told, parameter.expects.partition(" (")[0], default


def _operations_of(call: str) -> list[str]:
    return [operation.id for operation in OPERATIONS if call in operation.calls]


def _short(path: str) -> str:
    for long, short in _SHORT:
        path = path.replace(long, short)
    return path


def _answers(operation: Operation) -> str:
    return " ".join(f"{each.code}: {each.told[0].lower()}{each.told[1:]}" for each in operation.answers)


def _calls_taken(operation: Operation) -> str:
    if len(operation.calls) == 1:
        return _rights(operation.calls[0])
    return " ".join(f"{call}: {_rights(call)}." for call in operation.calls) or "none"


def _rights(call: str) -> str:
    return "; ".join(_right(call, each) for each in RIGHTS[call])


def _right(call: str, right: Right) -> str:
    resource = f"{right.resource.rule}.{right.resource.group}" if right.resource.group else right.resource.rule
    told = f"`{right.verb}` on {resource}"
    if right.names == "pod":
        return f"{told}, by name with `pod=NAME`"
    if right.names == "job":
        return f"{told} by name" if call not in {"list", "watch"} else f"{told}, by name with {_ONE_NAME}"
    return told


def _first(pattern: str, path: str) -> str:
    match = re.search(pattern, (_ROOT / path).read_text(), re.MULTILINE)
    assert match, f"{path} has no line like {pattern}"
    return match[1]


TABLES: Mapping[str, Callable[[], str]] = {
    "settings": settings_table,
    "metrics": metrics_table,
    "routes": routes_table,
    "parameters": parameters_table,
    "rights": rights_table,
    "versions": versions_table,
    "contract routes": contract_routes_table,
    "contract parameters": contract_parameters_table,
}
