"""The service in front of an upstream that a test writes; and each apiserver, as the contract's tests have it."""

from tests.cache.conftest import front
from tests.contract.conftest import backend, direct, namespace, real_backend, store

__all__ = ["backend", "direct", "front", "namespace", "real_backend", "store"]
