"""The documentation that can be tried: Swagger UI, told what it needs, and nothing from anywhere else."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from aiohttp import web

from service.api import query
from service.api.pages import assets
from service.errors import NotFound

# All that there is below /docs. A name that is not here leads to no file, whatever is in it.
_ASSETS: Mapping[str, Callable[[str], Awaitable[assets.Asset]]] = MappingProxyType(
    {
        "swagger-ui-bundle.js": assets.swagger_ui,
        "swagger-ui.css": assets.swagger_ui,
        "docs.js": assets.own,
        "docs.css": assets.own,
        "landing.css": assets.own,
        "icon.svg": assets.own,
    }
)


async def get_docs(request: web.Request) -> web.StreamResponse:
    """Answer with the page; no query can tell it to load another document than ours."""
    query.read_query(request, query.NOTHING)
    return await assets.answer(request, await assets.own("docs.html"))


async def get_asset(request: web.Request) -> web.StreamResponse:
    """Answer with one of the files that the pages are made of."""
    query.read_query(request, query.NOTHING)
    name = request.match_info["asset"]
    if name not in _ASSETS:
        raise NotFound(f"there is no such file; the pages are made of {', '.join(sorted(_ASSETS))}")
    return await assets.answer(request, await _ASSETS[name](name))


routes = (
    web.get("/docs", get_docs),
    web.get("/docs/{asset}", get_asset),
)
