"""Joins the routes of every room."""

from service.api import events, health, jobs, pods, waits

ROUTES = (*jobs.routes, *waits.routes, *pods.routes, *events.routes, *health.routes)
