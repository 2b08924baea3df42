"""Which mode is the one that was asked for."""

from service.access.access import Access, NoAccessControl
from service.access.delegated import DelegatedAccess
from service.access.passthrough import PassthroughAccess
from service.kube.client import KubeClient
from service.metrics import Metrics
from service.settings import Settings


def access_of(settings: Settings, client: KubeClient, metrics: Metrics) -> Access:
    """Return how callers are told apart.

    Args:
        settings: the mode, and its times.
        client: the service's own.
        metrics: counts the reviews.
    """
    match settings.auth_mode:
        case "delegated":
            return DelegatedAccess(client, settings, metrics)
        case "passthrough":
            return PassthroughAccess(client, settings, metrics)
        case "none":
            return NoAccessControl(client)
        case other:
            raise ValueError(other)
