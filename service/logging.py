"""How log lines look: one JSON object a line for machines, or aligned text for a person at a terminal."""

import asyncio
import atexit
import json
import logging
import sys
import threading
import time
from collections.abc import Mapping, MutableMapping, Sequence
from functools import lru_cache, partial
from typing import Any

import msgspec
import structlog

from service.audit import AUDIT

_ABOUT_THE_LINE: Sequence[Any] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(log_format: str, log_level: str) -> None:
    """Send every logger of the process, the libraries' included, to standard error in one form.

    Args:
        log_format: json or console.
        log_level: debug, info, warning or error.
    """
    renderer: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_to_json)]
        if log_format == "json"
        # Where the package rich is installed, structlog's own choice shows every local variable, tokens included.
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    level = logging.getLevelNamesMapping()[log_level.upper()]
    _configure_libraries(renderer, level)
    # Not through the libraries' handlers: a request leaves a line, which would take it twice as long that way.
    output = _StandardError()
    structlog.configure(
        processors=[_json_line] if log_format == "json" else [*_ABOUT_THE_LINE, *renderer],
        logger_factory=partial(_NamedLogger, output),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


class _StandardError:
    """Standard error, to which the lines of one turn of the event loop can go in one write, in their order."""

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._waiting: list[str] = []
        self._lock = threading.Lock()
        self._written_by: asyncio.AbstractEventLoop | None = None
        atexit.register(self._flush)  # a loop may end before it has written what it was to write soon

    def write_now(self, line: str) -> None:
        with self._lock:
            self._waiting.append(line)
        self._flush()

    def write_soon(self, line: str) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.write_now(line)
            return
        with self._lock:
            self._waiting.append(line)
        if self._written_by is not loop:
            self._written_by = loop
            loop.call_soon(self._flush)

    def _flush(self) -> None:
        with self._lock:
            lines, self._waiting = self._waiting, []
            self._written_by = None
            if not lines:
                return
            self._stream.write("".join([f"{line}\n" for line in lines]))
            self._stream.flush()


class _NamedLogger:
    """Writes lines, and knows its name. What requests leave there is much, and need not be there at once."""

    def __init__(self, output: _StandardError, name: str) -> None:
        self.name = name
        write = output.write_soon if name == AUDIT else output.write_now
        self.debug = self.info = self.warning = self.error = self.msg = write


def _configure_libraries(renderer: Sequence[Any], level: int) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_ABOUT_THE_LINE,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)


def _json_line(logger: Any, level: str, event: MutableMapping[str, Any]) -> str:
    """Render a line, at a third of the cost of the processors that do the same one by one."""
    event.update(level=level, logger=logger.name, timestamp=_now())
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, level, event)
    return _to_json(event)


def _now() -> str:
    """Return the time as ISO 8601 has it, in UTC."""
    seconds, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
    return f"{_second(seconds)}.{microseconds:06d}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _to_json(event: Mapping[str, Any], **_: Any) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except UnicodeEncodeError:  # a path or a variable's name that is not UTF-8, as Python holds it
        return json.dumps(event, default=repr)
