"""Joins the operations of every room, and the pages."""

from service.api import events, health, jobs, logs, metrics, pods, waits
from service.api.openapi import serving
from service.api.pages import docs, landing

_GUARDED = (*jobs.operations, *waits.operations, *pods.operations, *events.operations, *logs.operations)
_OPEN = (*health.operations, *metrics.operations, *serving.operations)
OPERATIONS = (*_GUARDED, *_OPEN)

# For a person, and so no part of the document.
PAGES = (*landing.routes, *docs.routes)
# They come without a token, and have to be answered however much there is to do: health and metrics because that is
# when they are wanted, the others because a place that anybody may take is lost to callers.
OPEN_ROUTES = (*(each.route() for each in _OPEN), *PAGES)
ROUTES = (*(each.route() for each in _GUARDED), *OPEN_ROUTES)
