"""What the sandbox says of itself, so that kubectl knows how to ask: version, groups, resources."""

from service import version
from service.sandbox.kinds import KINDS, PODS, Kind
from service.sandbox.store import Object

GROUP = {"groupVersion": "batch/v1", "version": "v1"}
VERSION: Object = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0-sandbox",
    "gitCommit": version.git_commit() or "",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "",
}
_BATCH: Object = {"name": "batch", "versions": [GROUP], "preferredVersion": GROUP}
_LOG: Object = {"name": "pods/log", "singularName": "", "namespaced": True, "kind": "Pod", "verbs": ["get"]}


def core_versions(address: str) -> Object:
    """Return what GET /api says."""
    where = {"clientCIDR": "0.0.0.0/0", "serverAddress": address}
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [where]}


def groups() -> Object:
    """Return what GET /apis says."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_BATCH]}


def batch_group() -> Object:
    """Return what GET /apis/batch says."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_BATCH}


def resources(group: str) -> Object:
    """Return the kinds of a group, as GET /api/v1 and GET /apis/batch/v1 do."""
    group_version = f"{group}/v1" if group else "v1"
    found = [each for kind in KINDS.values() if kind.group == group for each in _resources(kind)]
    version_of_list = {"apiVersion": "v1"} if group else {}
    return {"kind": "APIResourceList", **version_of_list, "groupVersion": group_version, "resources": found}


def _resources(kind: Kind) -> list[Object]:
    return [_resource(kind), _LOG] if kind is PODS else [_resource(kind)]


def _resource(kind: Kind) -> Object:
    return {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "namespaced": True,
        "kind": kind.name,
        "verbs": list(kind.verbs),
        **({"shortNames": list(kind.short_names)} if kind.short_names else {}),
        **({} if kind.plural == "events" else {"categories": ["all"]}),
    }
