"""Is it alive, is it ready, which version is it: in the words of kube-apiserver's own health endpoints.

See https://kubernetes.io/docs/reference/using-api/health-checks/.
"""

from collections.abc import Mapping

from aiohttp import web

from service import version
from service.api import keys, query
from service.errors import ServiceUnavailable


async def livez(request: web.Request) -> web.Response:
    """Say that the process serves; nothing else, or an apiserver's bad hour would restart every replica."""
    return _report("livez", query.read_query(request, query.HEALTH), {"ping": None})


async def healthz(request: web.Request) -> web.Response:
    """Say the same as livez, for probes that know only this name."""
    return _report("healthz", query.read_query(request, query.HEALTH), {"ping": None})


async def readyz(request: web.Request) -> web.Response:
    """Say whether requests should come here: not while shutting down, nor while the apiserver cannot be used."""
    asked = query.read_query(request, query.HEALTH)
    checks = {"ping": None} | await request.app[keys.READINESS].failures()
    # Without it the service is slower, and no less right: that is told, and does not make it unready.
    return _report("readyz", asked, checks, f"cache: {request.app[keys.LIVE_JOBS].state}\n")


async def get_version(request: web.Request) -> web.Response:
    """Say what runs here, and what it speaks to; the apiserver's version is null while it cannot be asked."""
    query.read_query(request, query.NOTHING)
    return web.json_response(
        {
            "name": version.NAME,
            "version": version.VERSION,
            "gitCommit": request.app[keys.GIT_COMMIT],
            "upstreamVersion": await request.app[keys.READINESS].upstream_version(),
        }
    )


routes = (
    web.get("/livez", livez),
    web.get("/readyz", readyz),
    web.get("/healthz", healthz),
    web.get("/version", get_version),
)


def _report(
    endpoint: str, asked: Mapping[str, str], checks: Mapping[str, str | None], remarks: str = ""
) -> web.Response:
    failed = {name: failure for name, failure in checks.items() if failure is not None}
    if failed:
        raise ServiceUnavailable(
            f"{endpoint} check failed: " + "; ".join(f"{name}: {failure}" for name, failure in failed.items()),
            details={"causes": [{"reason": name, "message": failure} for name, failure in failed.items()]},
        )
    if "verbose" not in asked or asked["verbose"] in {"false", "0"}:
        return web.Response(text="ok")
    return web.Response(text="".join(f"[+]{name} ok\n" for name in checks) + remarks + f"{endpoint} check passed\n")
