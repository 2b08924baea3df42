"""Joins the operations of every room."""

from service.api import events, health, jobs, logs, metrics, pods, waits
from service.api.openapi import serving

_GUARDED = (*jobs.operations, *waits.operations, *pods.operations, *events.operations, *logs.operations)
_OPEN = (*health.operations, *metrics.operations, *serving.operations)
OPERATIONS = (*_GUARDED, *_OPEN)

# They come without a token, and have to be answered however much there is to do.
OPEN_ROUTES = tuple(each.route() for each in _OPEN)
ROUTES = (*(each.route() for each in _GUARDED), *OPEN_ROUTES)
