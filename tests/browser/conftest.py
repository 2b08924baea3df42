"""The browser that the tests drive."""

from collections.abc import AsyncIterator

import pytest

from tests.browser.chromium import HOW_TO_INSTALL, Chromium, find_program


@pytest.fixture
async def chromium() -> AsyncIterator[Chromium]:
    """Return a Chromium of the test's own; take it after what it talks to, so that it is the first to go."""
    if find_program() is None:
        pytest.fail(HOW_TO_INSTALL, pytrace=False)
    async with Chromium() as browser:
        yield browser
