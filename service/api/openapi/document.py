"""Makes the OpenAPI document. https://spec.openapis.org/oas/v3.1.0.html."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any, TypeAlias, get_args

import msgspec

from service import version
from service.access.rights import RIGHTS, Right
from service.api.answers import ALWAYS, JSON, REFUSALS, YAML, Answer, Header, reference
from service.api.delete_options import Propagation
from service.api.operations import JOB, Body, Operation
from service.api.parameters import Parameter
from service.resources import JOBS

_Object: TypeAlias = dict[str, Any]

_TOLD = """\
The raw Kubernetes Job over HTTP: read it, create it from YAML, delete it with its pods, and never edit it.

- Objects are the apiserver's own bytes. `Accept` chooses their form, as with the apiserver: JSON, YAML, a Table.
- Every answer that is no success is a Kubernetes `Status`, whose message says what is wrong and how to mend it.
- Query parameters are only those that a call knows; booleans may be `1` and `0`, too. HEAD answers what GET would.
- `X-Request-Id` is taken over from the request where it has one, and is in every answer and in the log.
- An answer with `watch=true` or `follow=true` goes on for as long as there is something to tell.
"""
_STATUS = {JSON: reference("Status"), YAML: reference("Status")}
_NUMBER = {"type": "integer"}
_HEADERS = {
    "Request-Id": Header("X-Request-Id", "under which the service's log has the request"),
    "Retry-After": Header("Retry-After", "the seconds after which to try again", _NUMBER),
    "WWW-Authenticate": Header("WWW-Authenticate", "how to say who calls"),
}
_BEARER = {"bearer": {"type": "http", "scheme": "bearer", "description": "a token of the cluster's"}}
_GO_WITH = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
# What is the service's own; the other kinds are Kubernetes'.
_SCHEMAS: Mapping[str, _Object] = {
    "JobManifest": {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"type": "string", "const": f"{JOBS.group}/{JOBS.version}"},
            "kind": {"type": "string", "const": "Job"},
            "metadata": reference("ObjectMeta"),
            "spec": reference("JobSpec"),
        },
    },
    "WatchEvent": {
        "type": "object",
        "required": ["type", "object"],
        "properties": {
            "type": {"type": "string", "enum": ["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]},
            "object": {"type": "object", "additionalProperties": True},
        },
    },
}


def written(operations: Sequence[Operation], *, by_token: bool) -> tuple[bytes, str]:
    """Return the document as it is served, and its ETag; the arguments are those of `document`."""
    body = msgspec.json.encode(document(operations, by_token=by_token)) + b"\n"
    return body, hashlib.sha256(body).hexdigest()[:32]


def document(operations: Sequence[Operation], *, by_token: bool) -> _Object:
    """Return the document.

    Args:
        operations: every call that the service answers.
        by_token: callers show a bearer token, as they do in every access mode but none.
    """
    paths: dict[str, _Object] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, operations)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Job API",
            "version": version.VERSION,
            "description": _TOLD,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        # Where the document is, so also below a prefix that something in front of the service takes off.
        "servers": [{"url": "."}],
        "security": [{"bearer": []}] if by_token else [],
        "tags": [
            {"name": "jobs", "description": "Jobs, and what becomes of them"},
            {"name": "service", "description": "the service itself"},
        ],
        "paths": paths,
        "components": {
            "schemas": {**_read_strictly(_kubernetes_schemas()), **_SCHEMAS},
            "responses": {f"Error{code}": _refusal(code, told) for code, told in REFUSALS.items()}
            | {"Error": _refusal(0, "Anything else that the apiserver says.")},
            "headers": {name: _header(header) for name, header in _HEADERS.items()},
            "securitySchemes": _BEARER if by_token else {},
        },
    }


def _operation(operation: Operation, all_of_them: Iterable[Operation]) -> _Object:
    guarded = bool(operation.calls)
    refusals = sorted({*operation.refusals, *(ALWAYS if guarded else (400, 431))})
    answers = {str(each.code): _answer(each) | _links(each, operation, all_of_them) for each in operation.answers}
    answers |= {str(code): {"$ref": f"#/components/responses/Error{code}"} for code in refusals}
    described: _Object = {
        "operationId": operation.id,
        "tags": ["jobs" if guarded else "service"],
        "summary": operation.summary,
        "description": operation.told,
        "parameters": [
            *(_parameter(each, "path") for each in operation.path_parameters),
            *(_parameter(each, "query") for each in operation.query.values()),
            *({"name": each.name, "in": "header", **_header(each)} for each in operation.headers),
        ],
    }
    if operation.body:
        described["requestBody"] = _body(operation.body)
    if guarded:
        answers["default"] = {"$ref": "#/components/responses/Error"}
        described["x-rights"] = {call: [_right(each) for each in RIGHTS[call]] for call in operation.calls}
    else:
        described["security"] = []
    return described | {"responses": answers}


def _parameter(parameter: Parameter, place: str) -> _Object:
    schema = dict(parameter.schema)
    if parameter.default is not None:
        schema["default"] = int(parameter.default) if schema["type"] == "integer" else parameter.default
    described: _Object = {
        "name": parameter.name,
        "in": place,
        "description": parameter.told,
        "required": place == "path",
        "schema": schema,
    }
    # An example would be filled in where a parameter may as well be left out.
    return described | ({"example": parameter.example} if parameter.example and place == "path" else {})


def _header(header: Header) -> _Object:
    # An example of its own would be filled in: a key that everybody uses is none.
    example = f", such as {header.example}" if header.example else ""
    return {"description": header.told + example, "schema": dict(header.schema)}


def _body(body: Body) -> _Object:
    sample = {"example": body.example} if body.example else {}
    content = {media_type: {"schema": schema, **sample} for media_type, schema in body.content.items()}
    return {"description": body.told, "required": body.required, "content": content}


def _answer(answer: Answer) -> _Object:
    described: _Object = {
        "description": answer.told,
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/Request-Id"}}
        | {each.name: _header(each) for each in answer.headers},
    }
    if answer.content:
        described["content"] = {media_type: {"schema": schema} for media_type, schema in answer.content.items()}
    return described


def _links(answer: Answer, operation: Operation, operations: Iterable[Operation]) -> _Object:
    links: _Object = {}
    if answer.job_at is not None:
        metadata = f"$response.body#{answer.job_at}/metadata"
        found = {"namespace": f"{metadata}/namespace", "name": f"{metadata}/name"}
        links = {each.id: _link(each.id, found) for each in operations if each.path.startswith(JOB)}
    same = {each.name: f"$request.path.{each.name}" for each in operation.path_parameters}
    links |= {each.id: _link(each.id, {**same, **each.query}) for each in answer.links}
    return {"links": links} if links else {}


def _link(call: str, parameters: Mapping[str, str]) -> _Object:
    return {"operationId": call, "parameters": dict(parameters)}


def _refusal(code: int, told: str) -> _Object:
    headers = {"X-Request-Id": {"$ref": "#/components/headers/Request-Id"}}
    if code in _GO_WITH:
        headers[_GO_WITH[code]] = {"$ref": f"#/components/headers/{_GO_WITH[code]}"}
    content = {media_type: {"schema": schema} for media_type, schema in _STATUS.items()}
    return {"description": told, "headers": headers, "content": content}


def _right(right: Right) -> dict[str, str]:
    told = {"verb": right.verb, "apiGroup": right.resource.group, "resource": right.resource.rule}
    return told | ({"name": right.names} if right.names else {})


def _read_strictly(schemas: Mapping[str, _Object]) -> dict[str, _Object]:
    """Return the schemas with DeleteOptions as they are read here; the apiserver drops what it does not know."""
    options, preconditions = schemas["DeleteOptions"], schemas["Preconditions"]
    values = {"kind": ["DeleteOptions"], "propagationPolicy": list(get_args(Propagation))}
    properties = {name: options["properties"][name] | {"enum": values[name]} for name in values}
    closed = {"additionalProperties": False}
    return {
        **schemas,
        "DeleteOptions": options | closed | {"properties": options["properties"] | properties},
        "Preconditions": preconditions | closed,
    }


def _kubernetes_schemas() -> Mapping[str, _Object]:
    """Return Kubernetes' own kinds; `python -m tests.openapi.kubernetes_schemas` writes the file."""
    text = (resources.files(__package__) / "kubernetes.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, _Object])
