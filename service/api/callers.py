"""What happens to a request before its handler: is there room for it, and who calls?"""

from aiohttp import web
from aiohttp.typedefs import Handler

from service.api import keys
from service.api.admission import Place
from service.api.body import refuse_codings
from service.api.routes import OPEN_ROUTES

_OPEN = frozenset(route.handler for route in OPEN_ROUTES)


@web.middleware
async def admission(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Hold a place for the request as long as it lasts, or refuse it."""
    if _is_open(request):
        return await handler(request)
    place = request[keys.PLACE] = Place(request.app[keys.ADMISSION])
    try:
        place.enter()
        return await handler(request)
    finally:
        place.leave()


@web.middleware
async def authentication(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who calls, and refuse what no handler reads; where there is no such route, that comes first."""
    if _is_open(request) or request.match_info.http_exception is not None:
        return await handler(request)
    access = request.app[keys.ACCESS]
    caller = request[keys.CALLER] = await access.authenticate(request.headers)
    request[keys.AUDIT].user = caller.user.username
    request[keys.PLACE].belongs_to(caller.admission_key)
    request[keys.KUBE_CLIENT] = access.client_for(caller)
    refuse_codings(request)
    return await handler(request)


def _is_open(request: web.Request) -> bool:
    return request.match_info.handler in _OPEN
