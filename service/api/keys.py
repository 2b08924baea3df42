"""Every key under which the application and a request carry something."""

from aiohttp import web

from service.api.streams import Streams
from service.audit import AuditRecord
from service.cache.live_jobs import LiveJobs
from service.kube.client import KubeClient
from service.kube.readiness import Readiness
from service.settings import Settings

SETTINGS = web.AppKey("settings", Settings)
KUBE_CLIENT = web.AppKey("kube_client", KubeClient)
LIVE_JOBS = web.AppKey("live_jobs", LiveJobs)
STREAMS = web.AppKey("streams", Streams)
READINESS = web.AppKey("readiness", Readiness)
# None where the commit is not known, as in an installed wheel.
GIT_COMMIT: web.AppKey[str | None] = web.AppKey("git_commit")

AUDIT = web.RequestKey("audit", AuditRecord)
