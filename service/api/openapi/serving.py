"""Serves the OpenAPI document."""

from aiohttp import web

from service.api import keys
from service.api.answers import JSON, Answer
from service.api.cached_reads import IF_NONE_MATCH, NOT_MODIFIED
from service.api.operations import Operation, Parameters


async def get_openapi(request: web.Request, _: Parameters) -> web.Response:
    """Answer with the document of this very service."""
    body, etag = request.app[keys.OPENAPI]
    headers = {"ETag": f'"{etag}"', "Cache-Control": "no-cache"}
    if any(known.value in {etag, "*"} for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers, content_type=JSON)


operations = (
    Operation(
        "getOpenApi",
        "GET",
        "/openapi.json",
        get_openapi,
        "Read the OpenAPI document",
        "OpenAPI 3.1, as this very service would have it.",
        (Answer(200, "The document.", {JSON: {"type": "object", "additionalProperties": True}}), NOT_MODIFIED),
        headers=(IF_NONE_MATCH,),
    ),
)
