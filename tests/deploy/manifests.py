"""The plain manifests: what the chart renders, for those who install without Helm."""

from collections.abc import Mapping
from types import MappingProxyType

from .helm import Helm
from .paths import CHART, MANIFESTS

RENDERED = MANIFESTS / "job-api.yaml"
# Nobody shall look for a release that Helm does not know.
_VALUES: Mapping[str, object] = MappingProxyType({"commonLabels": {"app.kubernetes.io/managed-by": "kubectl"}})
_HEAD = "# Rendered from deploy/chart by `python -m tests.deploy`; change the chart, not this file.\n"


def rendered(helm: Helm) -> str:
    """Return what the file is to hold: `helm template` with the default values, in the namespace job-api."""
    arguments = ("template", "job-api", str(CHART), "--namespace=job-api", "--skip-tests")
    printed = helm(*arguments, values=_VALUES)
    return _HEAD + "\n".join(line.rstrip() for line in printed.splitlines()) + "\n"
