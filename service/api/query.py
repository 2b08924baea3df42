"""Query parameters: each declared once, with the check that its value must pass before it travels upstream.

The rules are kube-apiserver's, but where it guesses (any boolean but "false" is true) or stumbles (500 for
`resourceVersion=abc` on a get) the value is refused here. See
https://kubernetes.io/docs/reference/kubernetes-api/common-parameters/common-parameters/.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from urllib.parse import unquote_to_bytes, urlencode

from aiohttp import web

from service.dns_names import is_label, is_subdomain
from service.errors import BadRequest, shown
from service.kube.conditions import parse_goal

_BOOLEANS = ("true", "false", "1", "0")
_UNSIGNED = re.compile(r"[0-9]{1,20}")
_SIGNED = re.compile(r"-?[0-9]{1,19}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII)
# Go's time.ParseDuration: https://pkg.go.dev/time#ParseDuration
_DURATION = re.compile(r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter that a route knows.

    Attributes:
        name: its name, as Kubernetes spells it.
        expects: what a value must be, for the message that refuses another.
        accepts: tells whether a value is that.
    """

    name: str
    expects: str
    accepts: Callable[[str], bool]


def _text(name: str) -> Parameter:
    return Parameter(name, "a text without NUL", lambda value: "\0" not in value)


def _boolean(name: str) -> Parameter:
    return Parameter(name, "one of true, false, 1, 0", lambda value: value in _BOOLEANS)


def _one_of(name: str, *choices: str) -> Parameter:
    expects = f"one of {', '.join(choices)}" if len(choices) > 1 else choices[0]
    return Parameter(name, f"{expects} (upper and lower case matter)", lambda value: value in choices)


def _int64(name: str) -> Parameter:
    return Parameter(
        name,
        "a whole number of 64 bit",
        lambda value: _SIGNED.fullmatch(value) is not None and -(2**63) <= int(value) < 2**63,
    )


def _whole(name: str, least: int) -> Parameter:
    return Parameter(
        name,
        f"a whole number of 64 bit, {least} or more",
        lambda value: _UNSIGNED.fullmatch(value) is not None and least <= int(value) < 2**63,
    )


def _resource_version(name: str) -> Parameter:
    return Parameter(
        name,
        "a resourceVersion: an unsigned number of 64 bit, or empty",
        lambda value: not value or (_UNSIGNED.fullmatch(value) is not None and int(value) < 2**64),
    )


def _duration(name: str) -> Parameter:
    return Parameter(name, "a duration such as 30s or 1m30s", lambda value: _DURATION.fullmatch(value) is not None)


def _is_time(value: str) -> bool:
    if not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return True


def declared(*parameters: Parameter) -> Mapping[str, Parameter]:
    """Return what a route knows, by name."""
    return MappingProxyType({each.name: each for each in parameters})


PRETTY = _boolean("pretty")
RESOURCE_VERSION = _resource_version("resourceVersion")
# kubectl's --request-timeout; the apiserver ends any request that is no watch after it.
TIMEOUT = _duration("timeout")
DRY_RUN = _one_of("dryRun", "All")
PROPAGATION_POLICY = _one_of("propagationPolicy", "Background", "Foreground", "Orphan")

GET = declared(RESOURCE_VERSION, PRETTY, TIMEOUT)
PODS = declared(
    _text("labelSelector"),
    _text("fieldSelector"),
    _int64("limit"),
    _text("continue"),
    RESOURCE_VERSION,
    _one_of("resourceVersionMatch", "NotOlderThan", "Exact"),
    _one_of("includeObject", "None", "Metadata", "Object"),
    PRETTY,
    TIMEOUT,
)
LIST = declared(
    *PODS.values(),
    _boolean("watch"),
    _int64("timeoutSeconds"),
    _boolean("allowWatchBookmarks"),
    _boolean("sendInitialEvents"),
)
CREATE = declared(
    DRY_RUN,
    _text("fieldManager"),
    _one_of("fieldValidation", "Strict", "Warn", "Ignore"),
    PRETTY,
    TIMEOUT,
)
DELETE = declared(
    DRY_RUN,
    _int64("gracePeriodSeconds"),
    PROPAGATION_POLICY,
    _boolean("orphanDependents"),
    # Kubernetes Dashboard's spellings: of propagationPolicy, and of a grace period of 1 s.
    Parameter("propagation", PROPAGATION_POLICY.expects, PROPAGATION_POLICY.accepts),
    _boolean("deleteNow"),
    PRETTY,
    TIMEOUT,
)
WAIT = declared(
    Parameter(
        "for",
        "one of finished, complete, failed, suspended, delete, condition=TYPE, condition=TYPE=STATUS",
        lambda value: parse_goal(value) is not None,
    ),
    Parameter(
        "timeoutSeconds",
        "a whole number of seconds from 1 to 3600",
        lambda value: _UNSIGNED.fullmatch(value) is not None and 1 <= int(value) <= 3600,
    ),
)
LOG = declared(
    _boolean("follow"),
    _whole("tailLines", 0),
    _whole("limitBytes", 1),
    _whole("sinceSeconds", 1),
    Parameter("sinceTime", "a time as in RFC 3339, such as 2026-01-31T12:00:00Z", _is_time),
    _boolean("timestamps"),
    _boolean("previous"),
    Parameter("container", "a DNS-1123 label, the form of a container's name", is_label),
    _boolean("allContainers"),
    Parameter("pod", "a DNS-1123 subdomain, the form of a pod's name", is_subdomain),
    _boolean("prefix"),
)
HEALTH = declared(
    Parameter("verbose", "empty, or one of true, false, 1, 0", lambda value: value in ("", *_BOOLEANS))
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
