"""What is sent to the apiserver."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """A request to the apiserver.

    Attributes:
        method: the HTTP method.
        path: the path, made of checked names.
        query: the query string, encoded, without `?`; empty for none.
        headers: the headers that go along, but for Authorization.
        body: the bytes to send, if any.
        changes: whether it may change something, so that the outcome is unknown when there is no answer.
        streams: whether the answer lasts, as a watch does.
        silence_seconds: how long the answer's body may be silent; None for what the settings say.
        first_byte_seconds: until the answer begins; None for what the settings say.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None = None
    changes: bool = False
    streams: bool = False
    silence_seconds: float | None = None
    first_byte_seconds: float | None = None

    @property
    def target(self) -> str:
        """The path and the query."""
        return f"{self.path}?{self.query}" if self.query else self.path
