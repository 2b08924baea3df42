"""The service in front of an upstream that a test writes."""

from tests.cache.conftest import front

__all__ = ["front"]
