"""How log lines look: one JSON object a line for machines, or aligned text for a person at a terminal."""

import json
import logging
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

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
    structlog.configure(
        processors=[*_ABOUT_THE_LINE, *renderer],
        logger_factory=_NamedLogger,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


class _NamedLogger(structlog.WriteLogger):
    """Writes to standard error, a line at once, and knows its name."""

    def __init__(self, name: str) -> None:
        super().__init__(sys.stderr)
        self.name = name


def _configure_libraries(renderer: Sequence[Any], level: int) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_ABOUT_THE_LINE,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)


def _to_json(event: dict[str, Any], **_: Any) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except UnicodeEncodeError:  # a path or a variable's name that is not UTF-8, as Python holds it
        return json.dumps(event, default=repr)
