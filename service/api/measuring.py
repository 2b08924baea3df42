"""Counts each request once it is over."""

import time

from aiohttp import web

from service.api import keys
from service.audit import AuditRecord
from service.metrics import Metrics


def measure(request: web.Request, record: AuditRecord) -> None:
    """Count a request, under its route's template rather than its path."""
    resource = request.match_info.route.resource
    count(request.app[keys.METRICS], "" if resource is None else resource.canonical, record)


def count(metrics: Metrics, route: str, record: AuditRecord) -> None:
    """Count a request of a route.

    What is over only when its caller likes, such as a watch, has no duration that would tell anything.
    """
    seconds = None if record.is_stream else time.perf_counter() - record.started
    metrics.request(route, record.method, record.code, outcome_of(record), seconds)


def outcome_of(record: AuditRecord) -> str:
    """Return how a request ended: what is known of it, else what its code says."""
    if record.outcome:
        return record.outcome
    if record.aborted:
        return "aborted"
    if record.code is None:
        return "canceled"
    if record.code < 400:
        return "success"
    return "client_error" if record.code < 500 else "server_error"
