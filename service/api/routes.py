"""Joins the routes of every room."""

from service.api import health, jobs

ROUTES = (*jobs.routes, *health.routes)
