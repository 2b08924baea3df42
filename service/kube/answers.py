"""Answers that are held whole, because several callers share them or because they are read here."""

from collections.abc import Mapping
from dataclasses import dataclass

from multidict import CIMultiDictProxy

from service.kube.client import KubeClient


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the apiserver, whole.

    Attributes:
        status: the HTTP status code.
        headers: its headers.
        body: its body, as it was sent (compressed where Content-Encoding says so).
    """

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


class Refused(Exception):
    """The apiserver answered, but not with what was asked for.

    Attributes:
        answer: what it said; `body` is empty where that was too long to be a Status.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"the apiserver answered {answer.status}")
        self.answer = answer

    @property
    def is_denial(self) -> bool:
        """Whether the caller may not do this, so that there is no use in asking again."""
        return self.answer.status in (401, 403)


async def read_whole(
    client: KubeClient, path: str, query: str, headers: Mapping[str, str], limit: int
) -> Answer | None:
    """GET a path and return the whole answer, or None when its body is longer than `limit` bytes.

    Raises:
        ApiError: there is no answer.
        UpstreamBroken: it broke off.
    """
    async with await client.read(path, query, headers) as upstream:
        body = await upstream.read(limit)
        return None if body is None else Answer(upstream.status, upstream.headers, body)
