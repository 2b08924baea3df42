"""The service in front of an upstream that follows a script, and watchers without a service."""

from collections.abc import AsyncIterator

import pytest

from tests.api.watchers import Watching
from tests.cache.conftest import front
from tests.prompt import ways

__all__ = ["front", "ways"]


@pytest.fixture
async def watching() -> AsyncIterator[Watching]:
    """Return nobody yet: whoever joins is there until the test is over."""
    found = Watching()
    yield found
    await found.leave()
