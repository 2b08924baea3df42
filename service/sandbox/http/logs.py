"""The logs of pods: what a container has written, and writes while its caller listens."""

from contextlib import aclosing, suppress
from datetime import UTC, datetime

from aiohttp import web
from multidict import MultiMapping

from service.errors import BadRequest
from service.sandbox.errors import not_found, raise_if_invalid
from service.sandbox.field_errors import FieldErrors
from service.sandbox.http import parameters
from service.sandbox.http.responses import representation_of
from service.sandbox.http.times import instant
from service.sandbox.kinds import PODS
from service.sandbox.kubelet.kubelet import Kubelet
from service.sandbox.kubelet.log_reader import LogOptions
from service.sandbox.store import Key, Object

KUBELET = web.AppKey("kubelet", Kubelet)


async def send_log(request: web.Request, pod: Object | None) -> web.StreamResponse:
    """Answer with the log of a pod's container; of a pod that has no node yet, with nothing.

    Raises:
        ApiError: 400: a parameter cannot be read, which container is not clear, or it has not begun; 404: there is
            no such pod; 406: Accept names nothing that the apiserver writes; 422: a parameter may not be so.
    """
    representation_of(request, transformable=False)
    namespace, name = request.match_info["namespace"], request.match_info["name"]
    options = _read_log_options(request.query, name)
    if pod is None:
        raise not_found(PODS, name)
    container = _container(pod, request.query.get("container", ""))
    if not pod["spec"].get("nodeName"):
        return web.Response(status=204)
    log = request.app[KUBELET].log(Key(PODS.plural, namespace, name), container, options)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    async with aclosing(log):
        with suppress(ConnectionError):  # the caller was faster
            await response.prepare(request)
            async for text in log:
                await response.write(text)
            await response.write_eof()
    return response


def _container(pod: Object, asked: str) -> str:
    """Return the container that is meant; the kubectl.kubernetes.io annotations are for kubectl alone."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [each["name"] for each in (*(spec.get("initContainers") or ()), *spec["containers"])]
    if asked and asked not in names:
        raise BadRequest(f"container {asked} is not valid for pod {name}")
    if not asked and len(spec["containers"]) > 1:
        raise BadRequest(f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]")
    return asked or str(spec["containers"][0]["name"])


def _read_log_options(query: MultiMapping[str], name: str) -> LogOptions:
    options = LogOptions(
        follow=parameters.boolean(query, "follow") or False,
        previous=parameters.boolean(query, "previous") or False,
        since_seconds=parameters.int64(query, "sinceSeconds"),
        since_time=_since_time(query),
        timestamps=parameters.boolean(query, "timestamps") or False,
        tail_lines=parameters.int64(query, "tailLines"),
        limit_bytes=parameters.int64(query, "limitBytes"),
    )
    errors = FieldErrors()
    errors.not_negative("tailLines", options.tail_lines)
    _positive(errors, "limitBytes", options.limit_bytes)
    if options.since_seconds is not None and options.since_time is not None:
        errors.forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified")
    else:
        _positive(errors, "sinceSeconds", options.since_seconds)
    if "stream" in query:
        # The feature gate PodLogsQuerySplitStreams is off by default.
        errors.forbidden("stream", "may not be specified")
    raise_if_invalid("PodLogOptions", errors, group="", name=name)
    return options


def _since_time(query: MultiMapping[str]) -> datetime | None:
    """Return since when, in whole seconds, as the apiserver passes it on to the kubelet."""
    text = query.get("sinceTime")
    if text is None:
        return None
    return instant(text).replace(microsecond=0) if text not in {"", "null"} else datetime.min.replace(tzinfo=UTC)


def _positive(errors: FieldErrors, field: str, number: int | None) -> None:
    if number is not None and number < 1:
        errors.invalid(field, number, "must be greater than 0")
