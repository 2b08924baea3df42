"""What calls may be answered, as the OpenAPI document tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from service.api.parameters import Schema

JSON = "application/json"
YAML = "application/yaml"
TEXT = "text/plain"
EVENT_STREAM = "text/event-stream"
# What Kubernetes calls a watch's lines; they come as application/json.
WATCH = "application/json;stream=watch"

STRING: Schema = {"type": "string"}


def reference(name: str) -> Schema:
    """Return what stands for a schema of the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def relayed(*names: str) -> Mapping[str, Schema]:
    """Return the forms in which the apiserver's own objects come, as far as a schema can tell them.

    Args:
        names: the kinds that the object may have.
    """
    schema = reference(names[0]) if len(names) == 1 else {"oneOf": [reference(name) for name in names]}
    return {JSON: schema, YAML: schema}


@dataclass(frozen=True, slots=True)
class Header:
    """A header of a request or of an answer.

    Attributes:
        name: its name.
        told: what it says.
        schema: what it may be.
        example: one that works on the sandbox; None where there is nothing to show.
    """

    name: str
    told: str
    schema: Schema = field(default_factory=lambda: STRING)
    example: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A call that an answer leads to, about the same namespace and Job as the call that was answered.

    Attributes:
        id: the call's name.
        query: its query parameters, each a value or a runtime expression
            (https://spec.openapis.org/oas/v3.1.0.html#runtime-expressions).
    """

    id: str
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no error.

    Attributes:
        code: the HTTP status code.
        told: when it comes.
        content: the schema of its body by media type; empty for no body.
        headers: what goes with it besides what goes with every answer.
        job_at: where in its body there is a Job that other calls can be about, as a JSON pointer (RFC 6901); None
            for nowhere.
        links: the calls that it leads to besides those.
    """

    code: int
    told: str
    content: Mapping[str, Schema] = field(default_factory=dict)
    headers: tuple[Header, ...] = ()
    job_at: str | None = None
    links: tuple[Link, ...] = ()


# What any call may be refused with, and what only some may. The wording is for all of them at once.
REFUSALS: Mapping[int, str] = MappingProxyType(
    {
        400: "A name, a parameter or a body that cannot be read; the message names it, and the mend.",
        401: "No token, or one that is not accepted.",
        403: "The caller may not do this, the namespace is not served here, or a quota or an admission says no.",
        404: "There is no such Job, or nothing of it that could be read.",
        406: "An answer in a form that Accept asks for is not made.",
        408: "The body stopped coming.",
        409: "There is such a Job already; or a Job's end excludes what is waited for.",
        410: "The place in a list is too old; the answer has a fresh one, where there is one.",
        413: "The body is larger than the apiserver takes.",
        415: "The body is compressed, or in a binary form.",
        422: "The apiserver finds the object invalid; or an Idempotency-Key was used with another manifest.",
        429: "There is more to do than is done at a time; try again after Retry-After.",
        431: "The URL or a header is too long.",
        500: "A bug, or the apiserver's own failure.",
        501: "The sandbox does not know this; no cluster answers so.",
        503: "The apiserver cannot be reached, or is not ready; try again after Retry-After.",
        504: "The apiserver is silent, and a write's outcome unknown; or a wait is over, and not yet met.",
    }
)
ALWAYS = (400, 401, 403, 415, 429, 431, 500, 501, 503, 504)
