"""What each route does."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from aiohttp import web

from service.errors import ApiError, BadRequest
from service.sandbox.admission.admit import Admitted, admit
from service.sandbox.admission.unsupported import unsupported_reason
from service.sandbox.controllers.deletion import delete_object
from service.sandbox.errors import (
    already_exists,
    method_not_allowed,
    not_found,
    too_large_resource_version,
    unknown_here,
)
from service.sandbox.http import discovery, parameters
from service.sandbox.http.lists import list_page, read_list_options
from service.sandbox.http.logs import send_log
from service.sandbox.http.negotiation import Representation, check_acceptable
from service.sandbox.http.options import check_media_type, field_manager, read_create_options, read_delete_options
from service.sandbox.http.representations import of_list, of_object
from service.sandbox.http.responses import answer, representation_of, warn
from service.sandbox.http.watches import watch_objects
from service.sandbox.kinds import JOBS, KINDS, PODS, Kind
from service.sandbox.store import AlreadyExistsError, FullError, Key, Object, Store

STORE = web.AppKey("store", Store)
_ORPHANS = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them "
    "or set propagationPolicy=Orphan to suppress this warning"
)
# How often a generated name is tried that exists already; the apiserver does so too.
_MOST_NAMES = 8
# Methods that a real cluster has for a path, and the sandbox has not.
_NOT_HERE: Mapping[str, str] = MappingProxyType({"PUT": "updates", "PATCH": "patches", "DELETE": "this deletion"})

Method = Callable[[web.Request, Kind], Awaitable[web.StreamResponse]]


async def all_namespaces(request: web.Request) -> web.StreamResponse:
    """Answer for a kind's objects in all namespaces."""
    return await _dispatch(request, {"GET": list_objects}, not_here=())


async def collection(request: web.Request) -> web.StreamResponse:
    """Answer for a kind's objects in one namespace; every namespace is there."""
    kind = _kind(request)
    methods: dict[str, Method] = {"GET": list_objects}
    if kind is JOBS:
        methods["POST"] = create_job
    return await _dispatch(request, methods, not_here=("POST", "DELETE"))


async def single(request: web.Request) -> web.StreamResponse:
    """Answer for one object."""
    kind = _kind(request)
    _check_name(request)
    methods: dict[str, Method] = {"GET": get_object}
    if kind in {JOBS, PODS}:
        methods["DELETE"] = delete
    return await _dispatch(request, methods, not_here=("PUT", "PATCH", "DELETE"))


async def log(request: web.Request) -> web.StreamResponse:
    """Answer for the log of a pod."""
    if request.method != "GET":
        raise method_not_allowed()
    check_acceptable(request.headers.get("Accept", ""), is_log=True)
    _check_name(request)
    pod = request.app[STORE].get(_key(request, PODS))
    return await send_log(request, None if pod is None else pod.decoded())


def _check_name(request: web.Request) -> None:
    name = request.match_info["name"].removesuffix("/")
    if "/" in name:
        raise unknown_here(f"{request.method} {request.path}")
    if name in {".", ".."} or "%" in name:
        problem = "may not contain '%'" if "%" in name else f"may not be '{name}'"
        raise BadRequest(f'Name parameter invalid: "{name}": {problem}')


async def unknown(request: web.Request) -> web.Response:
    """Refuse what the sandbox has no route for."""
    raise unknown_here(f"{request.method} {request.path}")


async def _dispatch(
    request: web.Request, methods: Mapping[str, Method], *, not_here: tuple[str, ...]
) -> web.StreamResponse:
    if request.method not in methods:
        if request.method in not_here:
            raise unknown_here(f"{_NOT_HERE.get(request.method, request.method)} of {request.path}")
        raise method_not_allowed()
    is_list = request.method == "GET" and "name" not in request.match_info
    check_acceptable(request.headers.get("Accept", ""), is_list=is_list)
    return await methods[request.method](request, _kind(request))


async def list_objects(request: web.Request, kind: Kind) -> web.StreamResponse:
    """LIST, or a watch, of one namespace or of all."""
    if parameters.boolean(request.query, "watch"):
        return await watch_objects(request, kind)
    representation = representation_of(request)
    options = read_list_options(request.query, kind)
    page = list_page(request.app[STORE], kind, request.match_info.get("namespace"), options)
    include = request.query.get("includeObject", "")
    return answer(request, of_list(kind, page.metadata, page.items, representation, include), representation)


async def get_object(request: web.Request, kind: Kind) -> web.Response:
    """GET, of any version that is not older than the one asked for; there is only the present one."""
    representation, store = representation_of(request), request.app[STORE]
    asked = parameters.resource_version(request.query.get("resourceVersion", ""))
    if asked > store.resource_version:
        raise too_large_resource_version(asked, store.resource_version)
    stored = store.get(_key(request, kind))
    if stored is None:
        raise not_found(kind, request.match_info["name"])
    return _answer_with(request, kind, stored.decoded(), representation)


async def create_job(request: web.Request, kind: Kind) -> web.Response:
    """POST: the Job is stored as admission left it."""
    representation = representation_of(request)
    check_media_type(request.headers.get("Content-Type", ""))
    body = await request.read()
    is_dry_run, validation = read_create_options(request.query)
    manager = field_manager(request.query, request.headers.get("User-Agent", ""))

    def admitted() -> Admitted:
        return admit(
            body,
            namespace=request.match_info["namespace"],
            field_validation=validation,
            field_manager=manager,
        )

    created = _create(request, kind, admitted, is_dry_run=is_dry_run)
    return _answer_with(request, kind, created, representation, status=201)


def _create(request: web.Request, kind: Kind, admitted: Callable[[], Admitted], *, is_dry_run: bool) -> Object:
    """Store the Job, under another name if the generated one is there already."""
    store, name = request.app[STORE], ""
    for _ in range(_MOST_NAMES):
        found = admitted()
        if (field := unsupported_reason(found.job)) is not None:
            raise unknown_here(f"how to run a Job with {field}")
        name = found.job["metadata"]["name"]
        key = Key(kind.plural, request.match_info["namespace"], name)
        if store.get(key) is None:
            warn(request, *found.warnings)
            return found.job if is_dry_run else _stored(store, kind, found.job)
        if "generateName" not in found.job["metadata"]:
            break
    warn(request, *found.warnings)
    raise already_exists(kind, name)


def _stored(store: Store, kind: Kind, job: Object) -> Object:
    try:
        return store.create(kind.plural, job).decoded()
    except AlreadyExistsError:
        raise already_exists(kind, job["metadata"]["name"]) from None
    except FullError as error:
        told = f"{error}: delete some, or use a real cluster"
        raise ApiError(told, code=429, headers={"Retry-After": "1"}) from None


async def delete(request: web.Request, kind: Kind) -> web.Response:
    """DELETE of one object: a Status where it is gone, the object where it is not yet, and always of a pod."""
    representation = representation_of(request)
    body = await request.read()
    options = read_delete_options(request.query, body, request.headers.get("Content-Type", ""))
    if kind is JOBS and options.propagation is None and options.orphan_dependents is None:
        warn(request, _ORPHANS)
    outcome = delete_object(request.app[STORE], _key(request, kind), options)
    if outcome.gone and kind is not PODS:
        return answer(request, _success(kind, outcome.content), representation)
    is_accepted = not outcome.gone and options.orphan_dependents is False
    return _answer_with(request, kind, outcome.content, representation, status=202 if is_accepted else 200)


def _success(kind: Kind, content: Object) -> Object:
    details = {**kind.details(content["metadata"]["name"]), "uid": content["metadata"]["uid"]}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _answer_with(
    request: web.Request, kind: Kind, content: Object, representation: Representation, *, status: int = 200
) -> web.Response:
    include = request.query.get("includeObject", "")
    return answer(request, of_object(kind, content, representation, include), representation, status=status)


def _kind(request: web.Request) -> Kind:
    return KINDS[request.match_info["resource"]]


def _key(request: web.Request, kind: Kind) -> Key:
    return Key(kind.plural, request.match_info["namespace"], request.match_info["name"])


async def version(request: web.Request) -> web.Response:
    """GET /version, which is always written for people."""
    return answer(request, discovery.VERSION, Representation(pretty=True))


async def health(request: web.Request) -> web.Response:
    """GET /livez, /readyz and /healthz: what answers is well."""
    return web.Response(text="ok", headers={"X-Content-Type-Options": "nosniff"})


async def core_versions(request: web.Request) -> web.Response:
    """GET /api."""
    return answer(request, discovery.core_versions(request.host), representation_of(request, transformable=False))


async def groups(request: web.Request) -> web.Response:
    """GET /apis."""
    return answer(request, discovery.groups(), representation_of(request, transformable=False))


async def batch_group(request: web.Request) -> web.Response:
    """GET /apis/batch."""
    return answer(request, discovery.batch_group(), representation_of(request, transformable=False))


async def core_resources(request: web.Request) -> web.Response:
    """GET /api/v1."""
    return answer(request, discovery.resources(""), representation_of(request, transformable=False))


async def batch_resources(request: web.Request) -> web.Response:
    """GET /apis/batch/v1."""
    return answer(request, discovery.resources("batch"), representation_of(request, transformable=False))
