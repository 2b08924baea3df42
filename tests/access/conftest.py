"""The service in front of an upstream that follows a script."""

from tests.cache.conftest import front
from tests.prompt import ways

__all__ = ["front", "ways"]
