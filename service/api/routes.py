"""Joins the routes of every room."""

from service.api import events, health, jobs, logs, pods, waits

ROUTES = (*jobs.routes, *waits.routes, *pods.routes, *events.routes, *logs.routes, *health.routes)
