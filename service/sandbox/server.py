"""Runs the sandbox: an apiserver on a loopback port, its controllers and its kubelet.

https://kubernetes.io/docs/reference/using-api/api-concepts/ tells what a caller may ask of an apiserver.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from service.errors import ApiError
from service.sandbox.admission.schema import fields_of
from service.sandbox.clock import EventLoopClock
from service.sandbox.controllers.deletion import DeleteOptions, delete_object
from service.sandbox.controllers.garbage_collector import GarbageCollector
from service.sandbox.controllers.job_controller import JobController
from service.sandbox.errors import MAX_BODY_BYTES
from service.sandbox.events import EventRecorder
from service.sandbox.http import handlers
from service.sandbox.http.logs import KUBELET
from service.sandbox.http.responses import errors_to_statuses, prepare
from service.sandbox.http.watches import WATCHES, Watches
from service.sandbox.kubelet.kubelet import Kubelet
from service.sandbox.store import Key, Store

# A labelSelector of 3,000 terms is 64 kB before it is percent-encoded; the apiserver's limit is 1 MiB.
_MAX_LINE_BYTES = 1024 * 1024
_HOST = "127.0.0.1"
# As the apiserver does, and no client counts on it.
BOOKMARK_SECONDS = 60.0
_ROUTES = (
    ("/version", handlers.version),
    ("/livez", handlers.health),
    ("/readyz", handlers.health),
    ("/healthz", handlers.health),
    ("/api", handlers.core_versions),
    ("/apis", handlers.groups),
    ("/apis/batch", handlers.batch_group),
    ("/api/v1", handlers.core_resources),
    ("/apis/batch/v1", handlers.batch_resources),
)
_ROOTS = ("/apis/batch/v1/{}{{resource:jobs}}", "/api/v1/{}{{resource:pods|events}}")
_LOG = "/api/v1/namespaces/{namespace}/{resource:pods}/{name}/log{slash:/?}"


@asynccontextmanager
async def running(store: Store | None = None, *, bookmark_seconds: float = BOOKMARK_SECONDS) -> AsyncIterator[str]:
    """Run a sandbox; on leaving, everything in it is gone.

    Any namespace exists, and none can be created or deleted.

    Args:
        store: where its objects are kept; a new one if None.
        bookmark_seconds: how often a watch that wants bookmarks gets one.

    Yields:
        Its URL, such as http://127.0.0.1:40123; there is no authentication.
    """
    store = Store() if store is None else store
    clock = EventLoopClock()
    events = EventRecorder(store, clock)
    kubelet = Kubelet(store, events, clock)
    workers = (
        events,
        JobController(store, events, clock, lambda key: _delete_expired(store, key)),
        kubelet,
        GarbageCollector(store, clock),
    )
    async with _listening(create_app(store, kubelet, bookmark_seconds)) as url, asyncio.TaskGroup() as tasks:
        running_workers = [tasks.create_task(each.run()) for each in workers]
        # Its models take a second to import, which the first Job need not wait for.
        tasks.create_task(asyncio.to_thread(fields_of, "V1Job"))
        yield url
        for task in running_workers:
            task.cancel()


def create_app(store: Store, kubelet: Kubelet, bookmark_seconds: float = BOOKMARK_SECONDS) -> web.Application:
    """Return the apiserver of a store, without controllers; the kubelet is asked for logs."""
    app = web.Application(middlewares=[errors_to_statuses], client_max_size=MAX_BODY_BYTES)
    app[handlers.STORE] = store
    app[KUBELET] = kubelet
    app[WATCHES] = watches = Watches(store, bookmark_seconds)
    app.on_shutdown.append(watches.end)
    for path, handler in _ROUTES:
        app.router.add_get(path + "{slash:/?}", handler, allow_head=False)
    # Before the objects, whose names are read up to the end of the path.
    app.router.add_route("*", _LOG, handlers.log)
    for root in _ROOTS:
        app.router.add_route("*", root.format("") + "{slash:/?}", handlers.all_namespaces)
        namespaced = root.format("namespaces/{namespace}/")
        app.router.add_route("*", namespaced + "{slash:/?}", handlers.collection)
        app.router.add_route("*", namespaced + "/{name}{slash:/?}", handlers.single)
    app.router.add_route("*", "/{path:.*}", handlers.unknown)
    app.on_response_prepare.append(prepare)
    return app


@asynccontextmanager
async def _listening(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        max_line_size=_MAX_LINE_BYTES,
        max_field_size=_MAX_LINE_BYTES,
        shutdown_timeout=1.0,
        # A watch ends with its caller; nothing that changes the store waits, so nothing is left half-done.
        handler_cancellation=True,
    )
    try:
        await runner.setup()
        await web.TCPSite(runner, _HOST, 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def _delete_expired(store: Store, key: Key) -> None:
    """Delete a Job whose ttlSecondsAfterFinished is over, unless somebody was faster."""
    with suppress(ApiError):
        delete_object(store, key, DeleteOptions("Foreground"))
