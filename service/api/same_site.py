"""Who may call where callers are not told apart: no page of another site."""

from aiohttp import web
from aiohttp.typedefs import Handler

from service.access.cross_site import refuse_other_sites
from service.api import keys


@web.middleware
async def same_site(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a page of another site may have asked for, whatever the route, in mode none.

    In the other modes a caller shows a token, which no browser adds to a stranger's request.
    """
    settings = request.app[keys.SETTINGS]
    if settings.auth_mode == "none":
        refuse_other_sites(request.method, request.headers, any_host=settings.allow_unauthenticated)
    return await handler(request)
