"""A call that the service answers: declared once, for aiohttp, for its handler, and for the OpenAPI document."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from aiohttp import web

from service.api import body, query
from service.api.answers import Answer, Header
from service.api.parameters import Parameter, Schema, label, subdomain
from service.resources import check_name, check_namespace

ALL = "/api/v1/_raw/job"
COLLECTION = ALL + "/namespace/{namespace}"
JOB = COLLECTION + "/name/{name}"

PATH_PARAMETERS: Mapping[str, Parameter] = query.declared(
    replace(label("namespace", "the namespace", "a namespace"), example="default"),
    replace(subdomain("name", "the Job's name", "a Job's name"), example="sleep1"),
)


class Parameters(NamedTuple):
    """What a request says in its path and its query, checked.

    Attributes:
        namespace: the namespace; empty where the path has none.
        name: the Job's name; likewise.
        query: the query parameters that were given, and those that have a default.
    """

    namespace: str
    name: str
    query: Mapping[str, str]


Handler: TypeAlias = Callable[[web.Request, Parameters], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body.

    Attributes:
        told: what it is.
        content: its schema by media type.
        example: one that works on the sandbox; None where there is nothing to show.
        required: whether there has to be one.
    """

    told: str
    content: Mapping[str, Schema]
    example: Mapping[str, Any] | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """A call that the service answers.

    Attributes:
        id: its name, after which generated clients name their functions.
        method: the HTTP method; GET stands for HEAD, too.
        path: the path's template.
        handler: answers it, once its path and its query are read.
        summary: what it does, in a few words.
        told: what a caller must know besides.
        answers: what it may answer when it does not fail.
        query: the query parameters that it knows; any other is refused.
        headers: the headers that it takes notice of, besides those that all calls do.
        body: the body that it reads; None for none.
        refusals: the codes that it may fail with, besides those of every call.
        calls: what it takes to be allowed, as calls of `service.access.rights`; empty where anybody may.
    """

    id: str
    method: str
    path: str
    handler: Handler
    summary: str
    told: str
    answers: Sequence[Answer]
    query: Mapping[str, Parameter] = field(default_factory=lambda: query.NOTHING)
    headers: Sequence[Header] = ()
    body: Body | None = None
    refusals: Sequence[int] = ()
    calls: Sequence[str] = ()

    @property
    def path_parameters(self) -> Sequence[Parameter]:
        """The parameters of its path, in their order."""
        return [each for name, each in PATH_PARAMETERS.items() if f"{{{name}}}" in self.path]

    def route(self) -> web.RouteDef:
        """Return what aiohttp is to serve."""
        defaults = MappingProxyType(
            {each.name: each.default for each in self.query.values() if each.default is not None}
        )

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self.handler(request, _parameters(request, self.query, defaults))

        if self.body is None:
            return web.get(self.path, handle)
        return web.route(self.method, self.path, handle, expect_handler=body.postpone_continue)


def _parameters(request: web.Request, known: Mapping[str, Parameter], defaults: Mapping[str, str]) -> Parameters:
    path = request.match_info
    namespace = check_namespace(path["namespace"]) if "namespace" in path else ""
    name = check_name(path["name"]) if "name" in path else ""
    given = query.read_query(request, known)
    return Parameters(namespace, name, {**defaults, **given})
