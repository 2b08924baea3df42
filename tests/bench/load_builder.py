"""Build the watch load generator from the Go module beside this file, once per state of its source."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cluster.go_module import BuildError

MODULE = Path(__file__).resolve().parent / "watchload"


def watchload() -> Path:
    """Return the program; a warm call needs no Go.

    Raises:
        BuildError: Go is missing, or failed to build it.
    """
    program = _cache() / "watchload"
    if not program.exists():
        _build(program)
    return program


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    digest = hashlib.sha256("\0".join((sys.platform, platform.machine())).encode())
    for source in sorted([MODULE / "go.mod", *MODULE.glob("*.go")]):
        digest.update(b"\0" + source.name.encode() + b"\0" + source.read_bytes())
    return Path(home) / "job-api" / "bench" / digest.hexdigest()[:16]


def _build(program: Path) -> None:
    if shutil.which("go") is None:
        raise BuildError("the watch load generator is built with Go: there is no `go` on PATH")
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="partial-", dir=program.parent) as workspace:
        target = Path(workspace) / program.name
        # The program runs here, whatever workspace or target the user has otherwise.
        own = {key: value for key, value in os.environ.items() if key not in {"GOOS", "GOARCH"}}
        command = ["go", "build", "-trimpath", "-o", str(target), "."]
        code = subprocess.run(
            command, cwd=MODULE, env={**own, "GOWORK": "off"}, stdout=sys.stderr, check=False
        ).returncode
        if code != 0:
            raise BuildError(f"`{' '.join(command)}` ended with exit code {code}; its errors are above")
        # Only a finished program appears under its name.
        target.replace(program)
