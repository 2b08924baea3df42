"""The chart with its default values and the image of this checkout, installed on the real node."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.cluster.node.real_node import RealNode
from tests.cluster.polling import eventually
from tests.deploy.helm import Helm
from tests.deploy.namespaces import ENFORCED, make_namespace, nothing_left_in, ready_pods
from tests.deploy.paths import CHART
from tests.image.inputs import version

NAME = "job-api"
REPLICAS = 2


@dataclass(frozen=True, slots=True)
class Release:
    """A release in a namespace that lets in only what is restricted.

    Attributes:
        node: the cluster.
        helm: helm on it.
        namespace: where it is.
    """

    node: RealNode
    helm: Helm
    namespace: str

    def install(self) -> None:
        """Install it with default values, and return when its Pods are ready."""
        make_namespace(self.node, self.namespace, ENFORCED)
        self._run("install", str(CHART), "--wait", "--timeout=60s")
        assert len(self.pods()) == REPLICAS

    def upgrade(self, values: Mapping[str, Any]) -> None:
        """Give it other values, and return when Pods with these are ready."""
        self._run("upgrade", str(CHART), "--wait", "--timeout=100s", values=values)

    def test(self) -> str:
        """Run `helm test`, and return what the test printed."""
        return self._run("test", "--logs", "--timeout=60s")

    def uninstall(self) -> None:
        """Uninstall it, unless it is already, and return when nothing is left in its namespace."""
        self._run("uninstall", "--wait", "--timeout=100s", "--ignore-not-found")
        eventually(lambda: nothing_left_in(self.node, self.namespace), "nothing is left")
        self.node.kubectl("delete", "namespace", self.namespace, "--wait=false", "--ignore-not-found")

    def labelled(self) -> list[str]:
        """Return whatever bears the label of a release of its name, of all kinds, anywhere in the cluster."""
        kinds = self.node.kubectl("api-resources", "--verbs=list", "--output=name", "--cached=false").split()
        label = f"--selector=app.kubernetes.io/instance={NAME}"
        return self.node.kubectl("get", ",".join(kinds), "--all-namespaces", label, "--output=name").split()

    def pods(self) -> set[str]:
        """Return the names of the Pods that are ready and not about to end."""
        return {pod["metadata"]["name"] for pod in ready_pods(self.node, self.namespace)}

    def delete_pod(self, name: str) -> None:
        """Delete a Pod, and return when it is gone and there are as many as before."""
        self.node.kubectl("delete", "pod", name, f"--namespace={self.namespace}")
        eventually(lambda: len(self.pods()) == REPLICAS, "there is another")

    def get(self, kind: str) -> Any:
        """Return its object of a kind, named as the release is."""
        return json.loads(self.node.kubectl("get", kind, NAME, f"--namespace={self.namespace}", "--output=json"))

    def url(self) -> str:
        """Return a URL on this machine that leads to its Service."""
        spec = self.get("service")["spec"]
        return f"http://127.0.0.1:{self.node.forward(spec['clusterIP'], spec['ports'][0]['port'])}"

    def _run(self, command: str, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        return self.helm(command, NAME, *arguments, f"--namespace={self.namespace}", values=values)


def release_of(node: RealNode, image: Path, program: Path, home: Path) -> Release:
    """Return a release that is not installed yet; the node then has the image under the chart's name for it."""
    node.load_image(image, f"{NAME}:{version()}")
    return Release(node, Helm(program, home, node.kubeconfig), f"release-{uuid4().hex[:8]}")
