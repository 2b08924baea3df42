"""Joins the routes of every room."""

from service.api import events, health, jobs, logs, metrics, pods, waits

# They come without a token, and have to be answered however much there is to do.
OPEN_ROUTES = (*health.routes, *metrics.routes)
ROUTES = (*jobs.routes, *waits.routes, *pods.routes, *events.routes, *logs.routes, *OPEN_ROUTES)
