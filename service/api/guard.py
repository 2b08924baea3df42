"""May the caller do this? Every handler asks here before it does anything; section 8 of the contract."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from service.access.rights import attributes_of
from service.api import keys
from service.errors import Forbidden


async def authorize(request: web.Request, call: str, namespace: str | None, name: str = "", pod: str = "") -> None:
    """Let a call go on, or not; the audit line tells it either way.

    Args:
        request: the request.
        call: which call of `service.access.rights` it is.
        namespace: a checked namespace; None for all.
        name: the checked name that the call is about, if it is about one.
        pod: the checked name of the one pod that it is about, if it is about one.

    Raises:
        Forbidden: the caller may not do this, or the namespace is not served here.
        Unauthorized: the caller's token is no longer accepted.
        ServiceUnavailable, Timeout: the apiserver could not be asked; nothing is allowed then.
    """
    wanted = request[keys.WANTED] = attributes_of(call, namespace or "", name, pod)
    request[keys.AUDIT].about(wanted[-1].verb, wanted[-1].resource.rule, namespace or "", name)
    _check_is_served(request, namespace)
    await request.app[keys.ACCESS].authorize(request[keys.CALLER], wanted)


async def authorize_shared(request: web.Request) -> None:
    """Let the call that was authorized be answered from what the service has read in its own name.

    Raises:
        Forbidden, Unauthorized, ServiceUnavailable, Timeout: as in `authorize`.
    """
    await request.app[keys.ACCESS].authorize_shared(request[keys.CALLER], request[keys.WANTED])


async def authorize_replay(request: web.Request, namespace: str, name: str) -> None:
    """Let a create be answered with the Job that an earlier one has made: that is a read.

    Raises:
        Forbidden, Unauthorized, ServiceUnavailable, Timeout: as in `authorize`.
    """
    wanted = attributes_of("get", namespace, name)
    await request.app[keys.ACCESS].authorize(request[keys.CALLER], wanted)


def begin_stream(request: web.Request, kind: str) -> None:
    """Let a call last from here on: it counts as a stream, and no longer as a request in flight.

    Args:
        request: the request.
        kind: watch, wait or log.

    Raises:
        TooManyRequests: there are as many as there may be, in all or of the caller.
    """
    request[keys.AUDIT].is_stream = True
    request[keys.PLACE].becomes_stream(kind)


async def username_of(request: web.Request) -> str:
    """Return the caller's name; empty where all callers are one.

    Raises:
        Unauthorized, ServiceUnavailable, Timeout: as in `authorize`.
    """
    return (await request.app[keys.ACCESS].user_of(request[keys.CALLER])).username


def review_of(request: web.Request) -> Callable[[], Awaitable[None]] | None:
    """Return what asks again whether a stream may go on; None where nobody has to be asked.

    It raises what `authorize` raises.
    """
    access, wanted = request.app[keys.ACCESS], request[keys.WANTED]
    if not access.tells_apart:
        return None

    async def review() -> None:
        caller = await access.authenticate(request.headers)
        await access.authorize(caller, wanted)
        await access.authorize_shared(caller, wanted)

    return review


def _check_is_served(request: web.Request, namespace: str | None) -> None:
    served = request.app[keys.SETTINGS].namespaces
    if served is None or namespace in served:
        return
    asked = "all namespaces at once are" if namespace is None else f'namespace "{namespace}" is'
    raise Forbidden(f"{asked} not served here, only: {', '.join(served)}")
