"""The contract's fixtures serve the faults too."""

from tests.contract.conftest import api, backend, direct, namespace, proxied_api, proxy

__all__ = ["api", "backend", "direct", "namespace", "proxied_api", "proxy"]
