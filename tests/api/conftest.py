"""The service in front of an upstream that follows a script."""

from tests.cache.conftest import front

__all__ = ["front"]
