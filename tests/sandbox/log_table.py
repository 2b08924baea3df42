"""Requests for logs that a real apiserver answers without a kubelet, and that the sandbox is to answer alike.

Both have the namespace `logs`, and in it pods that no node will take.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import quote

from service.sandbox.store import Object
from tests.sandbox.server_table import Asked

NAMESPACE = "logs"
PODS_PATH = f"/api/v1/namespaces/{NAMESPACE}/pods"


def _pod(name: str, containers: Sequence[str], init_containers: Sequence[str] = ()) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        # The apiserver does not read it, which only kubectl does.
        "metadata": {"name": name, "annotations": {"kubectl.kubernetes.io/default-container": "second"}},
        "spec": {
            "nodeSelector": {"nobody": "has-it"},
            "initContainers": [{"name": each, "image": "busybox"} for each in init_containers],
            "containers": [{"name": each, "image": "busybox"} for each in containers],
        },
    }


PODS = (_pod("one", ["main"], ["first"]), _pod("two", ["main", "second"], ["first"]))
_QUERIES = (
    "", "container=main", "container=first", "container=other", "container=", "container=main&container=other",
    "follow=true", "follow=false", "follow", "follow=abc", "previous=true", "timestamps", "pretty=true", "foo=bar",
    "insecureSkipTLSVerifyBackend=true", "tailLines=0", "tailLines=-1", "tailLines=abc", "tailLines=",
    "tailLines=1&tailLines=-1", "limitBytes=1", "limitBytes=0", "limitBytes=-1", "limitBytes=9223372036854775808",
    "sinceSeconds=1", "sinceSeconds=0", "sinceSeconds=-1", "sinceSeconds=1.5", "stream=All", "stream=", "stream=x",
    "sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", "sinceSeconds=0&sinceTime=", "container=other&tailLines=-1",
    "sinceSeconds=-1&tailLines=-1&limitBytes=-1&stream=x", "tailLines=abc&sinceSeconds=x&sinceTime=y",
    "limitBytes=x&sinceTime=y",
)  # fmt: skip
_TIMES = (
    "", "null", "abc", "2026", "2026-01-01", "2026-1-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
    "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-02-29T00:00:00Z", "2028-02-29T00:00:00Z",
    "0000-02-29T00:00:00Z", "2026-01-01t00:00:00Z", "2026-01-01T5:00:00Z", "2026-01-01T25:00:00Z",
    "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00,5Z",
    "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890123Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00z",
    "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00+02:00", "0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00",
    "2026-01-01T00:00:00+25:00", "2026-01-01T00:00:00+24:60", "2026-01-01T00:00:00+01:61",
    "2026-01-01T00:00:00+0200", "2026-01-01T00:00:00*02:00", "2026-01-01T00:00:00+ab:00", '"\u00e9\\', "\uff12026",
    "2\uff12026-01",
)  # fmt: skip
_ACCEPTS = (
    "*/*", "text/plain", "text/*", "text/html", "application/json", "application/yaml", "application/*",
    "text/plain,application/json", "text/plain,*/*", "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;stream=watch", "image/png",
)  # fmt: skip
_METHODS = ("HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def _log(pod: str, query: str = "", *, method: str = "GET", headers: Mapping[str, str] = _NO_HEADERS) -> Asked:
    return Asked(method, f"{PODS_PATH}/{pod}/log?{query}".removesuffix("?"), headers=headers)


REQUESTS: Sequence[Asked] = (
    *(_log(pod, query) for pod in ("one", "two", "none") for query in _QUERIES),
    *(_log("one", f"sinceTime={quote(each)}") for each in _TIMES),
    *(_log(pod, headers={"Accept": each}) for pod in ("one", "none") for each in _ACCEPTS),
    *(_log(pod, method=each) for pod in ("one", "none") for each in _METHODS),
    *(Asked("GET", f"{PODS_PATH}/{path}") for path in ("one/log/", "a%25b/log", "A_b/log", "../log")),
)  # fmt: skip
