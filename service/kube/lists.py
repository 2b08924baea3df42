"""Lists page by page: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Protocol, TypeVar
from urllib.parse import urlencode

from service.kube.answers import Refused, read_whole
from service.kube.client import KubeClient
from service.kube.jobs import JobPage, read_page
from service.kube.responses import UpstreamBroken

JSON: Mapping[str, str] = MappingProxyType({"Accept": "application/json"})
# As many as client-go asks for at once: a page is read in milliseconds, and 10,000 Jobs are 20 calls.
_PAGE_LIMIT = 500
# Far above what 500 Jobs come to; what is longer is no answer that could be held.
_PAGE_BYTES = 512 * 1024 * 1024
_EXPIRED = 410
# A list whose pages come too slowly for the apiserver's memory is begun anew this often.
_MOST_ATTEMPTS = 3


class Page(Protocol):
    """A list, or a part of one."""

    @property
    def continue_token(self) -> str:
        """What asks for the next part; empty at the end."""


P = TypeVar("P", bound=Page)
T = TypeVar("T")


async def pages(
    client: KubeClient,
    path: str,
    selectors: Mapping[str, str],
    read: Callable[[bytes], P],
    headers: Mapping[str, str] = JSON,
) -> AsyncGenerator[P, None]:
    """Yield a consistent list in pages, all of which show the same moment.

    Args:
        client: the connections.
        path: the apiserver's path of the list.
        selectors: labelSelector and fieldSelector, where they are given.
        read: reads a page's body.
        headers: the request headers, with an Accept that `read` can read.

    Raises:
        ApiError: there is no answer.
        Refused: it was refused; with 410 when a later page came too late.
        UpstreamBroken: it broke off.
        msgspec.DecodeError: the answer is no such list.
    """
    token = ""
    while True:
        query = {**selectors, "limit": str(_PAGE_LIMIT), **({"continue": token} if token else {})}
        answer = await read_whole(client, path, urlencode(query), headers, _PAGE_BYTES)
        if answer is None:
            raise UpstreamBroken(f"a page of {_PAGE_LIMIT} objects has more than {_PAGE_BYTES} bytes")
        if answer.status != 200:
            raise Refused(answer)
        page = read(answer.body)
        yield page
        token = page.continue_token
        if not token:
            return


def job_pages(client: KubeClient, path: str, selectors: Mapping[str, str]) -> AsyncGenerator[JobPage, None]:
    """Yield a consistent list of Jobs in pages; arguments and errors are those of `pages`."""
    return pages(client, path, selectors, read_page)


async def begun_anew(read: Callable[[], Awaitable[T]]) -> T:
    """Return what is read in pages, which is begun anew, a few times, when a page came too late.

    Args:
        read: reads all pages.

    Raises:
        Refused: the last attempt came too late too, or the list was refused otherwise.
    """
    for _ in range(_MOST_ATTEMPTS - 1):
        try:
            return await read()
        except Refused as refused:
            if refused.answer.status != _EXPIRED:
                raise
    return await read()
