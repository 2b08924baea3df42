"""The contract's fixtures serve the faults too."""

from tests.apiserver.conftest import backend, real_backend
from tests.contract.conftest import api, direct, namespace, proxied_api, proxy

__all__ = ["api", "backend", "direct", "namespace", "proxied_api", "proxy", "real_backend"]
