"""Joins the routes of every room."""

from service.api import health, jobs, waits

ROUTES = (*jobs.routes, *waits.routes, *health.routes)
