"""Query parameters: each declared once, for those who read it and for the OpenAPI document."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import unquote_to_bytes, urlencode

from aiohttp import web

from service.api.parameters import (
    Parameter,
    boolean,
    duration,
    label,
    matching,
    one_of,
    resource_version,
    subdomain,
    text,
    time,
    whole,
)
from service.errors import BadRequest, shown
from service.kube.conditions import GOAL


def declared(*parameters: Parameter) -> Mapping[str, Parameter]:
    """Return what a route knows, by name."""
    return MappingProxyType({each.name: each for each in parameters})


PRETTY = boolean("pretty", "lay out JSON for people")
RESOURCE_VERSION = resource_version(
    "resourceVersion",
    "how fresh: as the apiserver's own, unless given; 0: whatever the cache has; another: not older than that",
)
TIMEOUT = duration("timeout", "after how long the apiserver is to give up a call that is no watch")
DRY_RUN = one_of("dryRun", "All: everything is checked, and nothing is kept", "All")
_POLICIES = ("Background", "Foreground", "Orphan")

GET = declared(RESOURCE_VERSION, PRETTY, TIMEOUT)
PODS = declared(
    text("labelSelector", "only those whose labels match, such as app=one,tier!=two"),
    text("fieldSelector", "only those whose fields match, such as metadata.name=sleep1"),
    whole("limit", "the most objects of one page; the answer's metadata.continue leads to the next one"),
    text("continue", "the next page: metadata.continue of the one before"),
    RESOURCE_VERSION,
    one_of("resourceVersionMatch", "how resourceVersion is meant", "NotOlderThan", "Exact"),
    one_of("includeObject", "what rows of a Table have of their objects", "None", "Metadata", "Object"),
    PRETTY,
    TIMEOUT,
)
LIST = declared(
    *PODS.values(),
    boolean("watch", "answer with a stream of changes instead, one a line, or as server-sent events"),
    whole("timeoutSeconds", "the seconds after which a watch ends"),
    boolean("allowWatchBookmarks", "let a watch tell its place by BOOKMARK events, too"),
    boolean("sendInitialEvents", "let a watch begin with what is there, and tell when that is complete"),
)
CREATE = declared(
    DRY_RUN,
    text("fieldManager", "who is noted as the one who has set the fields"),
    replace(
        one_of(
            "fieldValidation",
            "what becomes of unknown and repeated fields: they are refused, warned of, or dropped",
            "Strict",
            "Warn",
            "Ignore",
        ),
        default="Strict",
    ),
    PRETTY,
    TIMEOUT,
)
DELETE = declared(
    DRY_RUN,
    whole("gracePeriodSeconds", "the seconds until the object goes; a Job itself needs none"),
    one_of("propagationPolicy", "what becomes of its pods; Background, unless anything else is said", *_POLICIES),
    boolean("orphanDependents", "the older form of propagationPolicy: true is Orphan"),
    # Kubernetes Dashboard's spellings: of propagationPolicy, and of a grace period of 1 s.
    one_of("propagation", "propagationPolicy, as Kubernetes Dashboard spelled it", *_POLICIES),
    boolean("deleteNow", "taken for the sake of Kubernetes Dashboard's callers, and without effect on a Job"),
    PRETTY,
    TIMEOUT,
)
WAIT = declared(
    replace(
        matching(
            "for",
            "what to wait for",
            "one of finished, complete, failed, suspended, delete, condition=TYPE, condition=TYPE=STATUS",
            GOAL,
        ),
        default="finished",
    ),
    replace(
        whole("timeoutSeconds", "the seconds after which the answer is 504, not yet", least=1, most=3600),
        default="30",
    ),
)
LOG = declared(
    boolean("follow", "go on until the Job is over"),
    whole("tailLines", "only so many lines of each container's end", least=0),
    whole("limitBytes", "the most bytes of each container", least=1),
    whole("sinceSeconds", "only lines of the last seconds", least=1),
    time("sinceTime", "only lines from a time on"),
    boolean("timestamps", "each line with its time"),
    boolean("previous", "the run before the container's present one"),
    label("container", "this one; else the Job's default container", "a container's name"),
    boolean("allContainers", "all of them, init containers and sidecars too"),
    subdomain("pod", "this one, and its lines as they are", "a pod's name"),
    boolean("prefix", "each line with its origin before it; true, unless pod is given"),
)
HEALTH = declared(
    Parameter(
        "verbose",
        "tell each check",
        "empty, or one of true, false, 1, 0",
        lambda value: value in {"", "true", "false", "1", "0"},
        {"type": "string", "enum": ["", "true", "false", "1", "0"]},
    )
)
NOTHING = declared()


def read_query(request: web.Request, known: Mapping[str, Parameter]) -> dict[str, str]:
    """Read the query string of a request.

    Args:
        request: the request.
        known: the parameters that its route knows.

    Returns:
        The values by name, decoded and checked, in the order in which they came.

    Raises:
        BadRequest: a parameter is unknown, comes twice, or has a value that is none.
    """
    query: dict[str, str] = {}
    for pair in request.rel_url.raw_query_string.split("&"):
        if not pair:
            continue
        raw_name, _, raw_value = pair.partition("=")
        name, value = _decoded(raw_name), _decoded(raw_value)
        if name not in known:
            raise BadRequest(f"unknown query parameter {shown(name)}: {_known_ones(known)}")
        if name in query:
            raise BadRequest(f"query parameter {name!r} is given more than once")
        if not known[name].accepts(value):
            raise BadRequest(f"query parameter {name!r} is {shown(value)}, but must be {known[name].expects}")
        query[name] = value
    return query


def is_true(value: str | None) -> bool:
    """Return the truth of a boolean parameter that was checked; one that is absent is false."""
    return value in {"true", "1"}


def about_the_answer(query: Mapping[str, str]) -> dict[str, str]:
    """Return what a call says of its answer rather than of what is done: such parameters fit any method."""
    return {name: query[name] for name in ("pretty", "timeout") if name in query}


def encoded(query: Mapping[str, str]) -> str:
    """Return checked parameters as a query string for the apiserver."""
    return urlencode(query)


def _decoded(raw: str) -> str:
    try:
        return unquote_to_bytes(raw.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise BadRequest(f"the query string is not UTF-8: {shown(raw)}") from None


def _known_ones(known: Iterable[str]) -> str:
    names = sorted(known)
    return f"this route knows {', '.join(names)}" if names else "this route knows none"
