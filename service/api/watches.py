"""Watches: many callers, one watch upstream. Section 5 of the contract."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import msgspec
from aiohttp import web

from service.api import guard, keys, query
from service.api.accept import form_of
from service.api.forwarding import forwarded
from service.api.framing import LAST_EVENT_ID, Framing, KubernetesLines, ServerSentEvents
from service.api.selections import selection_of, selectors_of
from service.api.streaming import abort, relay, relay_answer
from service.api.watch_framer import WatchFramer
from service.api.watch_options import WatchOptions, lifetime_of, resumed, watch_options
from service.api.watch_writer import WatchWriter
from service.cache.batches import Attend, Batch, State, own_batches, shared_batches
from service.cache.scope import Scope
from service.cache.selection import Selection
from service.errors import ApiError, ServiceUnavailable
from service.kube.answers import Refused
from service.kube.lists import JSON
from service.kube.responses import UpstreamBroken
from service.kube.watch import events_of
from service.resources import JOBS

# Less often than proxies give up an idle connection, more often than upstream sends bookmarks.
TICK_SECONDS = 15.0
# How much longer than asked for a stream upstream may take to end.
_SLACK_SECONDS = 5.0


async def watch_jobs(request: web.Request, namespace: str | None, asked: Mapping[str, str]) -> web.StreamResponse:
    """Answer with the changes of a namespace's Jobs, or of all, as they happen."""
    guard.begin_stream(request, "watch")
    form = form_of(request)
    if form == "upstream":
        return await _relayed(request, namespace, asked)
    framing: Framing = KubernetesLines()
    if form == "events":
        framing, asked = ServerSentEvents(), resumed(asked, request.headers.get(LAST_EVENT_ID.name, ""))
    writer = WatchWriter(request, WatchFramer(framing, bookmarks=query.is_true(asked.get("allowWatchBookmarks"))))
    try:
        batches = await _shared(request, namespace, asked, writer.attend)
    except Refused as refused:
        return await relay_answer(request, refused.answer)
    except (UpstreamBroken, msgspec.DecodeError) as error:
        raise ServiceUnavailable("the apiserver's list broke off, or could not be read") from error
    if batches is None:
        return await _own(request, namespace, asked, writer)
    return await _answered(writer, batches, asked)


async def _shared(
    request: web.Request, namespace: str | None, asked: Mapping[str, str], attend: Attend
) -> AsyncGenerator[Batch, None] | None:
    """Return what the shared window tells, or None where the watch has to be one of its own upstream.

    Raises:
        Refused, UpstreamBroken, msgspec.DecodeError, ApiError: the initial state cannot be had.
    """
    live = request.app[keys.LIVE_JOBS]
    options, selection = watch_options(asked), selection_of(namespace, asked)
    if options is None or selection is None or not await live.can_follow(namespace):
        return None
    await guard.authorize_shared(request)
    scope = live.scope_of(namespace)
    initial = await _initial(scope, namespace, asked, options, selection)
    if initial is None:
        return None
    return shared_batches(scope.cache, initial, selection, attend, sends_initial=options.sends_initial)


async def _initial(
    scope: Scope,
    namespace: str | None,
    asked: Mapping[str, str],
    options: WatchOptions,
    selection: Selection,
) -> State | None:
    """Return where a watch begins; None where the cache is not as new as asked for."""
    if options.since is None:
        return await scope.lists.read(JOBS.path(namespace), selectors_of(asked))
    if options.since and not options.not_older:
        return State((), options.since)
    latest = scope.cache.window.latest
    if options.since > latest:
        return None
    if options.sends_initial:
        return State(scope.cache.store.select(selection), latest)
    return State((), options.since or latest)


async def _own(
    request: web.Request, namespace: str | None, asked: Mapping[str, str], writer: WatchWriter
) -> web.StreamResponse:
    """Answer with a watch upstream that is this caller's own."""
    upstream_query = query.encoded({**asked, "allowWatchBookmarks": "true"})
    silence = request.app[keys.SETTINGS].watch_silence_seconds
    client, path = request[keys.KUBE_CLIENT], JOBS.path(namespace)
    headers = {**forwarded(request.headers), **JSON}
    async with await client.stream(path, upstream_query, headers, silence) as upstream:
        if upstream.status != 200:
            return await relay(request, upstream)
        options = watch_options(asked)
        begins_after = None if options is None or options.sends_initial else options.since or 0
        async with aclosing(events_of(upstream)) as events:
            return await _answered(writer, own_batches(events, begins_after, TICK_SECONDS), asked)


async def _answered(
    writer: WatchWriter, batches: AsyncGenerator[Batch, None], asked: Mapping[str, str]
) -> web.StreamResponse:
    async with aclosing(batches):
        return await writer.write_all(batches, lifetime_of(asked))


async def _relayed(request: web.Request, namespace: str | None, asked: Mapping[str, str]) -> web.StreamResponse:
    """Relay a watch in a form that only the apiserver produces, byte for byte."""
    seconds = lifetime_of(asked)
    upstream_query = query.encoded({**asked, "timeoutSeconds": f"{seconds:.0f}"})
    silence = max(seconds, 0) + _SLACK_SECONDS
    client, path = request[keys.KUBE_CLIENT], JOBS.path(namespace)
    async with await client.stream(path, upstream_query, forwarded(request.headers), silence) as upstream:
        try:
            async with request.app[keys.STREAMS].lasting(silence, guard.review_of(request)):
                return await relay(request, upstream)
        except TimeoutError:
            return abort(request)
        except ApiError:
            if request.writer.output_size == 0:
                raise
            return abort(request)
