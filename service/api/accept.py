"""What a caller wants to read, as far as the service itself can produce it (RFC 9110, section 12.5.1)."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from aiohttp import web

Form: TypeAlias = Literal["json", "events", "upstream"]

_EVENT_STREAM = "text/event-stream"
_JSON = ("application/json", "application/*", "*/*")
_HTML = ("text/html", "text/*")
_TEXT = ("text/plain", "text/*", "*/*")
# What the apiserver can produce besides plain JSON.
_UPSTREAM = ("application/yaml", "application/vnd.kubernetes.protobuf")
# Parameters that do not change what JSON is meant; of `stream` only one value is known.
_HARMLESS = frozenset(("q", "charset", "stream"))
_STREAMS = ("", "watch")


def form_of(request: web.Request) -> Form:
    """Return what Accept asks for first of what there is.

    Returns:
        json: plain JSON, the objects whole.
        events: server-sent events.
        upstream: something that is the apiserver's to produce, such as a Table, or to refuse.
    """
    accept = ", ".join(request.headers.getall("Accept", ()))
    if not accept.strip():
        return "json"
    for media_type, parameters in _clauses(accept):
        if media_type == _EVENT_STREAM:
            return "events"
        if media_type in _JSON:
            is_plain = parameters.keys() <= _HARMLESS and parameters.get("stream", "") in _STREAMS
            return "json" if is_plain else "upstream"
        if media_type in _UPSTREAM:
            return "upstream"
    return "upstream"


def takes_text(request: web.Request) -> bool:
    """Tell whether Accept lets an answer be plain text."""
    accept = ", ".join(request.headers.getall("Accept", ()))
    return not accept.strip() or any(media_type in _TEXT for media_type, _ in _clauses(accept))


def prefers_html(request: web.Request) -> bool:
    """Tell whether Accept asks for HTML first, of HTML and JSON; browsers name it, and others seldom do."""
    accept = ", ".join(request.headers.getall("Accept", ()))
    for media_type, _ in _clauses(accept):
        if media_type in _HTML:
            return True
        if media_type in _JSON:
            return False
    return False


def takes_gzip(request: web.Request) -> bool:
    """Tell whether Accept-Encoding names gzip, and does not refuse it (RFC 9110, section 12.5.3)."""
    codings = ", ".join(request.headers.getall("Accept-Encoding", ()))
    return any(coding == "gzip" for coding, _ in _clauses(codings))


def _clauses(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield media types or codings with their parameters, best first; of equals the precise ones.

    The apiserver ranks them so.
    """
    ranked = []
    for clause in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in clause.split(";"))
        values = dict(part.partition("=")[::2] for part in parameters)
        if quality := _quality(values.get("q", "1")):
            ranked.append((-quality, media_type.count("*"), media_type, values))
    for *_, media_type, values in sorted(ranked, key=lambda each: each[:2]):
        yield media_type, values


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
