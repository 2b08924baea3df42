"""`python -m tests.cluster` runs a control plane for a person; `python -m tests.cluster build` only builds it."""

import sys

from .build import binaries
from .command import main
from .control_plane import ControlPlane

if __name__ == "__main__":
    sys.exit(main("python -m tests.cluster", __doc__, ControlPlane, lambda: binaries().kubectl))
