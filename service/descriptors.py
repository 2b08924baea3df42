"""File descriptors: the process takes as many as it may have, and says when these are few."""

import asyncio
import errno
import resource
import time
from typing import Any

import structlog

from service.settings import Settings

_log = structlog.stdlib.get_logger(__name__)

# The log, the event loop's own, what listens, the cache's watch, callers who have not asked for anything yet.
_BESIDES = 100
_EXHAUSTED = (errno.EMFILE, errno.ENFILE)
# asyncio tells it up to a hundred times a second.
_SILENCE_SECONDS = 10.0


def needed(settings: Settings) -> int:
    """Return how many descriptors it takes to serve what the settings allow.

    A request has two: its caller's connection, and one to the apiserver.
    """
    return 2 * (settings.max_requests_inflight + settings.max_streams) + _BESIDES


def raise_limit(settings: Settings) -> None:
    """Raise the process' soft limit of descriptors to the hard one, and warn when even that is low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = needed(settings)
    most = wanted if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
        except (OSError, ValueError):
            pass  # macOS has a limit beside the hard one
    if soft != resource.RLIM_INFINITY and soft < wanted:
        _log.warning(
            "few file descriptors for the requests and streams that the settings allow",
            limit=soft,
            needed=wanted,
            fix="raise the limit of open files (ulimit -n)",
        )


class ExhaustionLog:
    """An event loop's exception handler that tells exhausted descriptors in one line now and then.

    asyncio stops accepting for a second and tries again; the callers wait in the kernel's queue meanwhile.
    """

    def __init__(self) -> None:
        self._told = -_SILENCE_SECONDS

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take what asyncio reports; everything else is told as ever."""
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in _EXHAUSTED):
            loop.default_exception_handler(context)
        elif time.monotonic() - self._told >= _SILENCE_SECONDS:
            self._told = time.monotonic()
            _log.warning(
                "no file descriptors are left: new connections wait",
                fix="raise the limit of open files (ulimit -n)",
            )
