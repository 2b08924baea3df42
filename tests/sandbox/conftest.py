"""A sandbox whose store a test can reach into."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from service.sandbox.server import running
from service.sandbox.store import Limits, Store
from tests.callers import Caller


@pytest.fixture
def store() -> Store:
    """Return a store that soon forgets."""
    return Store(Limits(changes=100))


@pytest.fixture
async def sandbox(store: Store, http_client: aiohttp.ClientSession) -> AsyncIterator[Caller]:
    """Return a caller of a sandbox that keeps its objects in the store and does not let wait for bookmarks."""
    async with running(store, bookmark_seconds=0.01) as url:
        yield Caller(http_client, url, {})
