"""Who is calling, and may they: what handlers ask before they act. So far all callers are one, and may do all."""

from aiohttp import web


async def username_of(request: web.Request) -> str:
    """Return the name by which the apiserver knows the caller; empty where all callers are one."""
    return ""


async def authorize_replay(request: web.Request, namespace: str, name: str) -> None:
    """Let a create be answered with a Job that is there already; that is a read of it."""
