"""Which of a caller's headers go upstream: an allow-list, so that no identity and no cookie slips through."""

from multidict import MultiMapping

FORWARDED_HEADERS = ("Accept", "Accept-Encoding", "traceparent", "tracestate")


def forwarded(headers: MultiMapping[str]) -> dict[str, str]:
    """Return those of a request's headers that go upstream; one that came several times goes as one."""
    return {name: ", ".join(headers.getall(name)) for name in FORWARDED_HEADERS if name in headers}
