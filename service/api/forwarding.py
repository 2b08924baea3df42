"""Which of a caller's headers go upstream: an allow-list, so that no identity and no cookie slips through."""

from aiohttp import web

FORWARDED_HEADERS = ("Accept", "Accept-Encoding", "traceparent", "tracestate")


def forwarded(request: web.Request) -> dict[str, str]:
    """Return the headers of a request that go upstream; one that came several times goes as one."""
    return {name: ", ".join(request.headers.getall(name)) for name in FORWARDED_HEADERS if name in request.headers}
