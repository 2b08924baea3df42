"""Is it alive, is it ready, which version is it: in the words of kube-apiserver's own health endpoints.

See https://kubernetes.io/docs/reference/using-api/health-checks/.
"""

from collections.abc import Mapping

from aiohttp import web

from service import version
from service.api import keys, query
from service.api.answers import JSON, STRING, TEXT, Answer
from service.api.operations import Operation, Parameters
from service.errors import ServiceUnavailable


async def livez(_: web.Request, parameters: Parameters) -> web.Response:
    """Say that the process serves; nothing else, or an apiserver's bad hour would restart every replica."""
    return _report("livez", parameters.query, {"ping": None})


async def healthz(_: web.Request, parameters: Parameters) -> web.Response:
    """Say the same as livez, for probes that know only this name."""
    return _report("healthz", parameters.query, {"ping": None})


async def readyz(request: web.Request, parameters: Parameters) -> web.Response:
    """Say whether requests should come here: not while shutting down, nor while the apiserver cannot be used."""
    checks = {"ping": None} | await request.app[keys.READINESS].failures()
    # Without it the service is slower, and no less right: that is told, and does not make it unready.
    return _report("readyz", parameters.query, checks, f"cache: {request.app[keys.LIVE_JOBS].state}\n")


async def get_version(request: web.Request, _: Parameters) -> web.Response:
    """Say what runs here, and what it speaks to; the apiserver's version is null while it cannot be asked."""
    return web.json_response(
        {
            "name": version.NAME,
            "version": version.VERSION,
            "gitCommit": request.app[keys.GIT_COMMIT],
            "upstreamVersion": await request.app[keys.READINESS].upstream_version(),
        }
    )


_VERSION = {
    "type": "object",
    "required": ["name", "version", "gitCommit", "upstreamVersion"],
    "properties": {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "gitCommit": {"type": ["string", "null"]},
        "upstreamVersion": {"type": ["string", "null"]},
    },
}
_OK = Answer(200, "ok, or each check where verbose says so.", {TEXT: STRING})

operations = (
    Operation("livez", "GET", "/livez", livez, "Is it alive?", "Whether the process serves.", (_OK,), query.HEALTH),
    Operation(
        "readyz",
        "GET",
        "/readyz",
        readyz,
        "Is it ready?",
        "503 names the check that failed: the apiserver cannot be used, or the service is shutting down.",
        (_OK,),
        query.HEALTH,
        refusals=(503,),
    ),
    Operation("healthz", "GET", "/healthz", healthz, "Is it alive?", "The same as livez.", (_OK,), query.HEALTH),
    Operation(
        "getVersion",
        "GET",
        "/version",
        get_version,
        "Which version is it?",
        "The apiserver's version is null while it cannot be asked, and the commit where it is not known.",
        (Answer(200, "What runs here, and what it speaks to.", {JSON: _VERSION}),),
    ),
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
