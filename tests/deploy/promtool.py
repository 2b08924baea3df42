"""Prometheus' own tool, which says whether metrics, rules and queries are what Prometheus takes."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.node.debian import debian_root

SECONDS = 120.0


def promtool_program() -> Path:
    """Return the program: the one on PATH, else that of Debian's package, which is downloaded and not installed.

    Raises:
        BuildError: there is none, and apt or dpkg is missing, or the package cannot be downloaded.
    """
    own = shutil.which("promtool")
    return Path(own) if own else debian_root("prometheus") / "usr" / "bin" / "promtool"


@dataclass(frozen=True, slots=True)
class Promtool:
    """Runs promtool.

    Attributes:
        program: where it is.
    """

    program: Path

    def __call__(self, *arguments: str, text: str = "") -> str:
        """Run a command with a text as its input, and return all that it printed; it has to succeed."""
        ended = subprocess.run(
            [str(self.program), *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        printed = ended.stdout + ended.stderr
        assert ended.returncode == 0, printed
        return printed
