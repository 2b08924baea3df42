"""Every key under which the application and a request carry something."""

from collections.abc import Sequence

from aiohttp import web

from service.access.access import Access
from service.access.caller import Caller
from service.api.admission import Admission, Place
from service.api.audience import Audiences
from service.api.exposition import Exposition
from service.api.known_calls import KnownCalls
from service.api.streams import Streams
from service.audit import AuditRecord
from service.cache.live_jobs import LiveJobs
from service.kube.client import KubeClient
from service.kube.credentials import CredentialSource
from service.kube.readiness import Readiness
from service.kube.reviews import AccessAttributes
from service.metrics import Metrics
from service.settings import Settings

SETTINGS = web.AppKey("settings", Settings)
ACCESS: web.AppKey[Access] = web.AppKey("access")
AUDIENCES = web.AppKey("audiences", Audiences)
ADMISSION = web.AppKey("admission", Admission)
CREDENTIALS = web.AppKey("credentials", CredentialSource)
EXPOSITION = web.AppKey("exposition", Exposition)
LIVE_JOBS = web.AppKey("live_jobs", LiveJobs)
KNOWN_CALLS = web.AppKey("known_calls", KnownCalls)
METRICS = web.AppKey("metrics", Metrics)
# Speaks for the service itself.
OWN_CLIENT = web.AppKey("own_client", KubeClient)
# The OpenAPI document, and its ETag.
OPENAPI: web.AppKey[tuple[bytes, str]] = web.AppKey("openapi")
STREAMS = web.AppKey("streams", Streams)
READINESS = web.AppKey("readiness", Readiness)
# None where the commit is not known, as in an installed wheel.
GIT_COMMIT: web.AppKey[str | None] = web.AppKey("git_commit")

AUDIT = web.RequestKey("audit", AuditRecord)
PLACE = web.RequestKey("place", Place)
CALLER = web.RequestKey("caller", Caller)
# Speaks as the caller's mode has it; what the service asks for itself does not go this way.
KUBE_CLIENT = web.RequestKey("kube_client", KubeClient)
WANTED: web.RequestKey[Sequence[AccessAttributes]] = web.RequestKey("wanted")
