"""Joins the routes of every room."""

from service.api import events, health, jobs, logs, metrics, pods, waits
from service.api.pages import docs, landing

# They come without a token, and have to be answered however much there is to do: health and metrics because that is
# when they are wanted, the pages because a place that anybody may take is lost to callers.
OPEN_ROUTES = (*health.routes, *metrics.routes, *landing.routes, *docs.routes)
ROUTES = (*jobs.routes, *waits.routes, *pods.routes, *events.routes, *logs.routes, *OPEN_ROUTES)
