"""Reads what is asked of a log; what kubectl refuses is refused here too."""

from collections.abc import Mapping

from service.api.query import is_true
from service.errors import BadRequest
from service.logs.options import LogOptions

_EXCLUDE_EACH_OTHER = (("sinceSeconds", "sinceTime"), ("container", "allContainers"))


def log_options(asked: Mapping[str, str]) -> LogOptions:
    """Return what checked query parameters ask for.

    Raises:
        BadRequest: two of them exclude each other.
    """
    for one, other in _EXCLUDE_EACH_OTHER:
        if one in asked and other in asked and asked[other] not in {"false", "0"}:
            raise BadRequest(f"query parameters '{one}' and '{other}' exclude each other; give one of them")
    previous = is_true(asked.get("previous"))
    return LogOptions(
        # The run before the present one is over: to read it to its end is all that there is to follow.
        follow=is_true(asked.get("follow")) and not previous,
        previous=previous,
        timestamps=is_true(asked.get("timestamps")),
        tail_lines=_number(asked, "tailLines"),
        limit_bytes=_number(asked, "limitBytes"),
        since_seconds=_number(asked, "sinceSeconds"),
        since_time=asked.get("sinceTime", ""),
        pod=asked.get("pod", ""),
        container=asked.get("container", ""),
        all_containers=is_true(asked.get("allContainers")),
        prefix=is_true(asked["prefix"]) if "prefix" in asked else "pod" not in asked,
    )


def _number(asked: Mapping[str, str], name: str) -> int | None:
    return int(asked[name]) if name in asked else None
