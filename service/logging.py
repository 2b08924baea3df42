"""How log lines look: one JSON object a line for machines, or aligned text for a person at a terminal."""

import asyncio
import atexit
import json
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping, Sequence
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
        # What writes JSON needs none of them.
        processors=[*_ABOUT_THE_LINE, *renderer],
        logger_factory=partial(_NamedLogger, output),
        wrapper_class=_json_logger(level) if log_format == "json" else structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


class _StandardError:
    """Standard error, to which the lines of one turn of the event loop can go in one write, in their order."""

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._waiting: deque[str] = deque()  # any thread may append
        self._flushing = threading.Lock()
        self._flushed_by: asyncio.AbstractEventLoop | None = None
        atexit.register(self._flush)  # a loop may end before it has written what it was to write soon

    def write_now(self, line: str) -> None:
        self._waiting.append(line)
        self._flush()

    def write_soon(self, line: str) -> None:
        self._waiting.append(line)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._flush()
            return
        if self._flushed_by is not loop:
            self._flushed_by = loop
            loop.call_soon(self._flush)

    def _flush(self) -> None:
        with self._flushing:
            self._flushed_by = None
            lines = [f"{self._waiting.popleft()}\n" for _ in range(len(self._waiting))]
            if not lines:
                return
            self._stream.write("".join(lines))
            self._stream.flush()


class _NamedLogger:
    """Writes lines, and knows its name. What requests leave there is much, and need not be there at once."""

    def __init__(self, output: _StandardError, name: str) -> None:
        self.name = name
        self.msg = output.write_soon if name == AUDIT else output.write_now
        self.debug = self.info = self.warning = self.error = self.msg


def _json_logger(least: int) -> type[structlog.BoundLoggerBase]:
    """Return a logger for lines of a level or more: structlog's own takes three times as long for the same line."""

    def method(level: str) -> Callable[..., None]:
        def write(self: Any, event: str, *args: object, **fields: Any) -> None:
            fields["event"] = event % args if args else event
            self._logger.msg(_json_line(self._logger.name, level, fields))

        return write if logging.getLevelNamesMapping()[level.upper()] >= least else _nothing

    def exception(self: Any, event: str, *args: object, **fields: Any) -> None:
        self.error(event, *args, **{"exc_info": True, **fields})

    methods = {level: method(level) for level in ("debug", "info", "warning", "error", "critical")}
    return type("_JsonLogger", (structlog.BoundLoggerBase,), methods | {"exception": exception})


def _nothing(*_: object, **__: object) -> None:
    """Write no line."""


def _configure_libraries(renderer: Sequence[Any], level: int) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_ABOUT_THE_LINE,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)


def _json_line(logger: str, level: str, fields: MutableMapping[str, Any]) -> str:
    fields.update(level=level, logger=logger, timestamp=_now())
    if "exc_info" in fields:
        fields = structlog.processors.format_exc_info(None, level, fields)
    return _to_json(fields)


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
