"""`python -m tests.cluster.node` runs a real node for a person; with `build` it only makes the programs."""

import sys
from pathlib import Path

from ..build import binaries
from ..command import main
from .programs import node_programs
from .real_node import RealNode


def _build() -> Path:
    kubelet = node_programs().kubelet
    binaries()
    return kubelet


if __name__ == "__main__":
    sys.exit(main("python -m tests.cluster.node", __doc__, RealNode, _build))
