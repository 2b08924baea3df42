"""The real helm, built from its Go module, with a home of its own."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.go_module import GoModule

from .paths import CHART

SECONDS = 120.0
_MODULE = GoModule(
    Path(__file__).resolve().parent / "helm_module",
    {"helm": "helm.sh/helm/v4/cmd/helm"},
    ("-trimpath", "-ldflags", "-s -w"),
)


class HelmError(Exception):
    """helm ended with an error; the message is what it wrote to stderr."""


def helm_program() -> Path:
    """Return the program, building it where it is in neither KUBEBUILDER_ASSETS nor the cache.

    Raises:
        BuildError: Go is missing, too old, or failed to build.
    """
    return _MODULE.programs()["helm"]


@dataclass(frozen=True, slots=True)
class Helm:
    """Runs helm.

    Attributes:
        program: where it is.
        home: a folder for what it keeps.
        kubeconfig: the cluster; None where none is asked.
    """

    program: Path
    home: Path
    kubeconfig: Path | None = None

    def __call__(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """Run a command, with values where it takes some, and return what it printed.

        Raises:
            HelmError: it ended with an error.
        """
        given = [] if values is None else ["--values=-"]
        cluster = [] if self.kubeconfig is None else [f"--kubeconfig={self.kubeconfig}"]
        ended = subprocess.run(
            [str(self.program), *arguments, *given, *cluster],
            input="" if values is None else json.dumps(dict(values)),
            env={"HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if ended.returncode != 0:
            raise HelmError(ended.stderr.strip())
        return ended.stdout

    def rendered(
        self, values: Mapping[str, Any] | None = None, *more: str, namespace: str = "job-api"
    ) -> list[dict[str, Any]]:
        """Return the objects of a release named job-api."""
        printed = self("template", "job-api", str(CHART), f"--namespace={namespace}", *more, values=values or {})
        return [each for each in yaml.safe_load_all(printed) if each]


def of_kind(objects: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    """Return the objects of some kinds."""
    return [each for each in objects if each["kind"] in kinds]
