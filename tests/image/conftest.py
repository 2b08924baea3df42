"""The image, built once."""

import pytest

from .archive import Archive
from .local_image import local_image


# Its scope is the session's so that it is built before a test begins to count its descriptors.
@pytest.fixture(scope="session")
def image() -> Archive:
    """Return the image of this checkout, on the base that needs no registry."""
    return Archive(local_image())
