"""create_app: the one place where the parts are wired; what it opens, it closes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from service import version
from service.access.modes import access_of
from service.api import callers, keys, middlewares
from service.api.admission import Admission
from service.api.audience import Audiences
from service.api.exposition import Exposition
from service.api.known_calls import KnownCalls
from service.api.openapi.document import written
from service.api.routes import OPERATIONS, ROUTES
from service.api.same_site import same_site
from service.api.state import State
from service.api.streams import Streams
from service.cache.live_jobs import LiveJobs
from service.kube.client import KubeClient
from service.kube.credentials import anonymous
from service.kube.readiness import Readiness
from service.metrics import Metrics
from service.sandbox import server as sandbox_server
from service.settings import Settings


def create_app(settings: Settings) -> web.Application:
    """Return the service, ready to be started.

    Args:
        settings: everything it may be told.

    Raises:
        CredentialsError: at its start, when there are no credentials for an apiserver.
    """
    before = (middlewares.audit, middlewares.errors, same_site, callers.admission, callers.authentication)
    app = web.Application(middlewares=before)
    app[keys.SETTINGS] = settings
    app[keys.GIT_COMMIT] = version.git_commit()
    app[keys.METRICS] = metrics = Metrics()
    app[keys.AUDIENCES] = Audiences()
    app[keys.EXPOSITION] = Exposition(metrics.registry)
    app[keys.KNOWN_CALLS] = KnownCalls()
    app[keys.OPENAPI] = written(OPERATIONS, by_token=settings.auth_mode != "none")
    app[keys.ADMISSION] = Admission(settings, metrics)
    app[keys.STREAMS] = Streams(settings.stream_review_seconds)
    app.add_routes(ROUTES)
    app.on_response_prepare.append(middlewares.on_response_prepare)
    app.on_shutdown.append(_end_streams)
    app.cleanup_ctx.append(_kube_client)
    return app


async def _kube_client(app: web.Application) -> AsyncIterator[None]:
    settings = app[keys.SETTINGS]
    async with AsyncExitStack() as stack:
        if settings.sandbox:
            source = anonymous(await stack.enter_async_context(sandbox_server.running()))
        else:
            # Its library takes half a second to import, which a start on the sandbox does without.
            from service.kube.configuration import credential_source  # noqa: PLC0415

            source = credential_source(settings.kubeconfig, settings.context)
        await source.current()
        metrics = app[keys.METRICS]
        client = KubeClient(source, settings, metrics)
        app[keys.CREDENTIALS], app[keys.OWN_CLIENT] = source, client
        app[keys.ACCESS] = access_of(settings, client, metrics)
        app[keys.READINESS] = Readiness(client)
        app[keys.LIVE_JOBS] = live = LiveJobs(client, settings)
        metrics.registry.register(State(app))
        async with _kept_true(live):
            yield
        await client.close()
        await source.close()


@asynccontextmanager
async def _kept_true(live: LiveJobs) -> AsyncIterator[None]:
    if not live.enabled:
        yield
        return
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(live.run())
        yield
        running.cancel()


async def _end_streams(app: web.Application) -> None:
    app[keys.STREAMS].end()
