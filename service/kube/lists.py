"""Lists Jobs page by page: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks."""

from collections.abc import AsyncGenerator, Mapping
from types import MappingProxyType
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


async def job_pages(client: KubeClient, path: str, selectors: Mapping[str, str]) -> AsyncGenerator[JobPage, None]:
    """Yield a consistent list of Jobs in pages, all of which show the same moment.

    Args:
        client: the connections.
        path: the apiserver's path of the list.
        selectors: labelSelector and fieldSelector, where they are given.

    Raises:
        ApiError: there is no answer.
        Refused: it was refused; with 410 when a later page came too late.
        UpstreamBroken: it broke off.
        msgspec.DecodeError: the answer is no JobList.
    """
    token = ""
    while True:
        query = {**selectors, "limit": str(_PAGE_LIMIT), **({"continue": token} if token else {})}
        answer = await read_whole(client, path, urlencode(query), JSON, _PAGE_BYTES)
        if answer is None:
            raise UpstreamBroken(f"a page of {_PAGE_LIMIT} Jobs has more than {_PAGE_BYTES} bytes")
        if answer.status != 200:
            raise Refused(answer)
        page = read_page(answer.body)
        yield page
        token = page.continue_token
        if not token:
            return
