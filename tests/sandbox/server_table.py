"""Requests that a real apiserver and the sandbox are to answer alike, in the order in which they are sent.

Both have the namespace `agree` and in it the suspended Jobs one, two and three, which nothing changes any more.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs

NAMESPACE = "agree"
JOBS = ("one", "two", "three")
_JOBS, _ONE, _NONE = direct_jobs(NAMESPACE), direct_job(NAMESPACE, "one"), direct_job(NAMESPACE, "none")
_PODS, _EVENTS = f"/api/v1/namespaces/{NAMESPACE}/pods", f"/api/v1/namespaces/{NAMESPACE}/events"
_JSON, _YAML = {"Content-Type": "application/json"}, {"Content-Type": "application/yaml"}
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
_PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
_PARTIAL_LIST = _PARTIAL.replace("Metadata", "MetadataList")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        method: its method.
        path: its path and query.
        body: its body.
        headers: its headers.
    """

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return what a person tells it by."""
        told = [self.method, self.path[:80], *self.headers.values(), (self.body or b"")[:60].decode()]
        return " ".join(filter(None, told))


def _accepting(path: str, accept: str) -> Asked:
    return Asked("GET", path, headers={"Accept": accept})


def _delete(query: str = "", body: bytes | None = None, headers: Mapping[str, str] = _JSON) -> Asked:
    return Asked("DELETE", _ONE + query, body, headers if body is not None else {})


def _fresh() -> Asked:
    return Asked("POST", _JOBS, suspended("fresh"), _YAML)


_LABEL_SELECTORS = (
    "", "name=one", "name==one", "name!=one", "name in (one,two)", "name notin (one,two)", "name", "!name", "name=",
    "name in (one,),name", "nothing>1", "==", "a in b", "-a", "a=-b", "a>b", "a,,b", "a,", "a in (b", "a in (b c)",
    "a b",
    "!", "a!", "A_/b", "a/b/c", "/b", "a/", "x" * 64, "a=" + "x" * 64, "a in (-b,c-,d)", "a in (,)", "a in (!)",
    "in in (in)", '"a"', "a=b=c", "a=b c",
)  # fmt: skip
_FIELD_SELECTORS = (
    "", "metadata.name=one", "metadata.name!=one", "metadata.namespace=agree", "status.successful=0", "spec.a=1",
    "a", "metadata.name=a\\b", "metadata.name=a=b", "metadata.name=one,", "metadata.name==two",
    "metadata.name=one,x",
)  # fmt: skip
_LIST_QUERIES = (
    "resourceVersion=abc", "resourceVersion=-1", "resourceVersion=0", "resourceVersion=0&limit=1",
    "resourceVersion=999999999", "resourceVersion=99999999999999999999999", "limit=1", "limit=2", "limit=3",
    "limit=-1",
    "limit=abc", "limit=", "limit=1&labelSelector=name=two", "limit=1&labelSelector=name=one",
    "limit=1&fieldSelector=metadata.name=three", "limit=1&resourceVersion=999999999",
    "resourceVersion=999999999&resourceVersionMatch=Exact", "resourceVersionMatch=foo",
    "resourceVersionMatch=Exact",
    "resourceVersionMatch=Exact&resourceVersion=0", "resourceVersionMatch=Exact&continue=abc",
    "resourceVersionMatch=NotOlderThan&resourceVersion=0", "continue=eyJ2IjoidjEifQ",
    "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ", "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0",
    "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiLi4vYSJ9",
    "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiL29uZVx1MDAwMCJ9",
    "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0&resourceVersion=5",
    "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6OTk5OTk5OSwic3RhcnQiOiJhIn0", "sendInitialEvents=false",
    "sendInitialEvents=abc", "timeoutSeconds=abc", "allowWatchBookmarks=abc", "foo=bar", "limit=1&limit=2",
    "labelSelector=a&labelSelector=name", "pretty=true", "pretty=1&labelSelector=x", "watch=false",
)  # fmt: skip
_ACCEPTS = (
    "application/json", "application/yaml", "*/*", "image/png", "text/*", "application/*", "application/cbor",
    "application/vnd.kubernetes.protobuf;q=0.5,application/json;q=0.1,application/yaml;q=0.7",
    f"{_TABLE},application/json", f"{_PARTIAL},application/json", f"{_PARTIAL_LIST},application/json", _TABLE,
    _PARTIAL,
    _PARTIAL_LIST, _TABLE.replace("Table", "Foo"), _TABLE.replace("v=v1", "v=v2"), _TABLE.replace("json", "yaml"),
    "application/json;stream=watch", "application/json;sv=v1", "application/json;charset=utf-8",
    "application/json;pretty=1", f"{_TABLE.replace('v=v1', 'v=v1beta1')}",
)  # fmt: skip
# Watches that are refused, or end by themselves.
_WATCH_QUERIES = (
    "sendInitialEvents=true", "sendInitialEvents=false&resourceVersion=1", "sendInitialEvents=",
    "sendInitialEvents=true&resourceVersionMatch=", "sendInitialEvents=true&resourceVersionMatch=Exact",
    "sendInitialEvents=false&resourceVersionMatch=foo&resourceVersion=0", "resourceVersionMatch=NotOlderThan",
    "resourceVersionMatch=NotOlderThan&resourceVersion=0", "resourceVersionMatch=Exact&resourceVersion=1",
    "resourceVersionMatch=foo", "continue=abc", "continue=abc&resourceVersion=5&resourceVersionMatch=NotOlderThan",
    "continue=abc&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
    "continue=abc&sendInitialEvents=true&resourceVersionMatch=foo", "continue=abc&sendInitialEvents=true",
    "limit=abc", "timeoutSeconds=abc", "timeoutSeconds=", "resourceVersion=abc", "resourceVersion=-1",
    "resourceVersion=99999999999999999999999", "labelSelector=a%20in",
    "labelSelector=%3D%3D&sendInitialEvents=true", "fieldSelector=spec.a%3D1", "fieldSelector=a",
    "fieldSelector=spec.a%3D1&sendInitialEvents=true",
    "fieldSelector=spec.a%3D1&resourceVersion=abc", "timeoutSeconds=abc&labelSelector=%3D%3D",
    "resourceVersion=abc&pretty=true", "timeoutSeconds=-1&resourceVersion=99999999",
    "timeoutSeconds=-1&resourceVersion=99999999&continue=abc",
    "resourceVersion=99999999&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
)  # fmt: skip
# With nothing to tell, for what there is to tell may or may not be told before a time that is over.
_ENDING = "timeoutSeconds=-1&resourceVersion=99999999"
_WATCHES: Sequence[Asked] = (
    *(Asked("GET", f"{_JOBS}?watch=true&{query}") for query in _WATCH_QUERIES),
    *(Asked("GET", f"{_JOBS}?{watch}&{_ENDING}") for watch in ("watch", "watch=abc", "watch=True", "watch=1")),
    *(_accepting(f"{_JOBS}?watch=true&{_ENDING}", accept) for accept in _ACCEPTS if "protobuf" not in accept),
    *(
        _accepting(f"{_JOBS}?watch=true&{_ENDING}", accept)
        for accept in ("application/yaml;stream=watch", "application/json;stream=foo", "application/yaml,*/*",
        "text/event-stream")
    ),
    _accepting(f"{_JOBS}?watch=true&resourceVersion=abc", "application/yaml"),
    _accepting(f"{_JOBS}?watch=true&includeObject=foo&{_ENDING}", _TABLE),
    _accepting(f"{_JOBS}?watch=true&includeObject=foo&{_ENDING}", _PARTIAL),
    _accepting(f"{_JOBS}?watch=true&includeObject=foo&resourceVersion=abc", _TABLE),
    _accepting(_JOBS, "application/yaml;stream=watch"),
    Asked("GET", f"{_ONE}?watch=true"),
    Asked("GET", f"{_NONE}?watch=true"),
    Asked("GET", f"{_ONE}?watch=true&resourceVersion=abc"),
    *(Asked(method, f"{_JOBS}?watch=true") for method in ("HEAD", "OPTIONS", "PUT")),
    *(Asked("GET", f"{path}?watch=true&{_ENDING}") for path in (_PODS, _EVENTS, "/apis/batch/v1/jobs")),
    *(Asked("GET", f"{path}?watch=true&fieldSelector=a%3Db") for path in (_PODS, _EVENTS)),
)  # fmt: skip

_READS: Sequence[Asked] = (
    *_WATCHES,
    *(_accepting(path, accept) for accept in _ACCEPTS for path in (_ONE, _NONE,
    f"{_JOBS}?labelSelector=name%3Done")),
    *(Asked("GET", f"{_JOBS}?labelSelector={quote(selector, safe='')}") for selector in _LABEL_SELECTORS),
    *(Asked("GET", f"{_JOBS}?fieldSelector={quote(selector, safe='')}") for selector in _FIELD_SELECTORS),
    *(Asked("GET", f"{_JOBS}?{query}") for query in _LIST_QUERIES),
    *(
        Asked("GET", f"{_ONE}?{query}")
        for query in (
            "resourceVersion=abc", "resourceVersion=-1", "resourceVersion=0", "resourceVersion=999999999",
            "resourceVersion=99999999999999999999999", "resourceVersion=", "pretty=true", "pretty=no", "foo=bar",
        )
    ),
    *(
        _accepting(f"{path}?includeObject={include}", _TABLE)
        for path in (_ONE, _JOBS)
        for include in ("None", "Metadata", "Object", "foo")
    ),
    *(Asked("GET", f"{_JOBS}{path}") for path in ("/..%2f", "/..", "/A_b", "/", "/one/", "/a%25b")),
    *(Asked("GET", path) for path in (_PODS, f"{_PODS}/x", f"{_EVENTS}/x", f"{_PODS}?fieldSelector=a%3Db")),
    Asked("GET", f"{_EVENTS}?fieldSelector=a%3Db"),
    Asked("GET", f"{_PODS}?fieldSelector=status.phase%3DRunning"),
    _accepting(_PODS, _TABLE),
    _accepting(f"{_EVENTS}?fieldSelector=involvedObject.name%3Dnone", _TABLE),
    *(Asked("GET", path) for path in ("/livez", "/readyz", "/healthz", "/apis/batch")),
    *(Asked(method, path, b"{}", _JSON) for method, path in (("POST", _ONE), ("POST", "/apis/batch/v1/jobs"))),
    *(Asked("DELETE", path) for path in ("/apis/batch/v1/jobs", "/api/v1/pods", f"{_PODS}/x")),
    *(Asked(method, _JOBS) for method in ("OPTIONS", "PUT", "PATCH")),
    Asked("HEAD", _ONE),
)  # fmt: skip
_WRITES: Sequence[Asked] = (
    *(
        Asked("POST", _JOBS, b"{}", {"Content-Type": content_type})
        for content_type in ("application/x-www-form-urlencoded", "text/plain; charset=utf-8", "nonsense;;")
    ),
    *(
        Asked("POST", f"{_JOBS}?{query}", b"{}", _JSON)
        for query in (
            "dryRun=foo", "dryRun=", "dryRun=All&dryRun=x", f"fieldManager={'a' * 130}", "fieldValidation=strict",
            "dryRun=x&fieldValidation=x",
        )
    ),
    Asked("POST", _JOBS, b" " * (3 * 1024 * 1024 + 1), _YAML),
    Asked("POST", _JOBS, suspended("one"), _YAML),
    Asked("POST", f"{_JOBS}?dryRun=All", suspended("one"), _YAML),
    Asked("POST", f"{_JOBS}?dryRun=All", suspended("four"), _YAML),
    Asked("POST", f"{_JOBS}?dryRun=All&pretty=true", suspended("four"), _YAML),
    Asked("POST", f"{_JOBS}?dryRun=All", suspended("four") + b"  rubbish: 1\n", _YAML),
    Asked("POST", f"{_JOBS}?dryRun=All", suspended("four"), {**_YAML, "Accept": f"{_TABLE},application/json"}),
    Asked("POST", f"{_JOBS}?dryRun=All", suspended("four"), {**_YAML, "Accept": "application/yaml"}),
    Asked("POST", f"{_JOBS}?dryRun=All", suspended("four"), {**_YAML, "User-Agent": "somebody/1.0"}),
    *(
        _delete(query)
        for query in (
            "?dryRun=All", "?propagationPolicy=foo", "?propagationPolicy=Orphan&orphanDependents=true", "?dryRun=x",
            "?propagationPolicy=foo&orphanDependents=true", "?gracePeriodSeconds=abc",
            "?orphanDependents=abc&dryRun=All",
            "?dryRun=All&propagationPolicy=Background", "?dryRun=All&propagationPolicy=Foreground",
            "?dryRun=All&propagationPolicy=Orphan", "?dryRun=All&orphanDependents=false", "?dryRun=All&foo=bar",
        )
    ),
    *(
        _delete("?dryRun=x", json.dumps({"dryRun": ["All"], **body}).encode())
        for body in (
            {"preconditions": {"uid": "x"}}, {"preconditions": {"resourceVersion": "x"}},
            {"gracePeriodSeconds": "x"},
            {"gracePeriodSeconds": 1}, {"orphanDependents": 1}, {"kind": "Foo"}, {"kind": "Foo",
            "apiVersion": "v1"},
            {"kind": "DeleteOptions", "apiVersion": "batch/v1", "propagationPolicy": "Background"}, {"foo": 1},
            {"propagationPolicy": "foo", "orphanDependents": False}, {"dryRun": ["x"]},
        )
    ),
    _delete("", b"{}", {"Content-Type": "text/plain"}),
    _delete("", b"dryRun: [All]\npropagationPolicy: Foreground\n", _YAML),
    _delete("", b"dryRun: [All]\norphanDependents: false\n", _YAML),
    Asked("DELETE", _NONE),
    Asked("DELETE", f"{_NONE}?propagationPolicy=Background"),
    _fresh(),
    Asked("DELETE", f"{_JOBS}/fresh?propagationPolicy=Background"),
    Asked("GET", f"{_JOBS}/fresh"),
    _fresh(),
    Asked("DELETE", f"{_JOBS}/fresh?orphanDependents=false"),
)  # fmt: skip
REQUESTS: Sequence[Asked] = (*_READS, *_WRITES)
