"""Where somebody arrives who knows but the address: a page for a person, the list of paths for a program."""

from collections.abc import Mapping
from html import escape
from string import Template
from types import MappingProxyType

from aiohttp import web

from service import version
from service.api import keys, query
from service.api.accept import prefers_html
from service.api.pages import assets

_CALLERS: Mapping[str, str] = MappingProxyType(
    {
        "none": "whoever reaches the service acts with its own rights",
        "delegated": "a caller shows a token, and may do what the cluster allows its user",
        "passthrough": "a caller's token is what the cluster sees",
    }
)


async def get_root(request: web.Request) -> web.Response:
    """Say what this is and where to go, in HTML to who asks for that first, else in JSON."""
    query.read_query(request, query.NOTHING)
    headers = {**assets.SECURITY_HEADERS, "Vary": "Accept", "Cache-Control": "no-store"}
    if prefers_html(request):
        return web.Response(text=await _page(request.app), content_type="text/html", headers=headers)
    return web.json_response(_description(request.app), headers=headers)


routes = (web.get("/", get_root),)


def _description(app: web.Application) -> dict[str, object]:
    return {
        "name": version.NAME,
        "version": version.VERSION,
        "gitCommit": app[keys.GIT_COMMIT],
        "authMode": app[keys.SETTINGS].auth_mode,
        "paths": sorted({resource.canonical for resource in app.router.resources()}),
    }


async def _page(app: web.Application) -> str:
    failures = [f"{name}: {why}" for name, why in (await app[keys.READINESS].failures()).items() if why is not None]
    mode = app[keys.SETTINGS].auth_mode
    told = {
        "state": "unready" if failures else "ready",
        "health": "Not ready: " + "; ".join(failures) if failures else "Ready",
        "version": version.VERSION,
        "commit": app[keys.GIT_COMMIT] or "unknown",
        "mode": mode,
        "callers": _CALLERS[mode],
    }
    template = Template((await assets.own("landing.html")).plain.decode())
    return template.substitute({name: escape(text) for name, text in told.items()})
