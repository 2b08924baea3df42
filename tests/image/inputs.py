"""What the image is made of, and what it says of itself."""

import hashlib
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-build.lock")
FILES = (DOCKERFILE, ROOT / ".dockerignore", *LOCKS, ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "LICENSE")


def version() -> str:
    """Return the version that pyproject.toml states; it is the image's tag."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def revision() -> str:
    """Return the commit that is checked out, with `-dirty` where files differ from it; empty without git."""
    described = ("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    try:
        return subprocess.run(described, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""


def build_arguments() -> list[str]:
    """Return the arguments by which any of the builders tells the image its version and its commit."""
    return [f"--build-arg=VERSION={version()}", f"--build-arg=REVISION={revision()}"]


def digest() -> str:
    """Return a digest of all that the image is made of besides its base."""
    found = hashlib.sha256(revision().encode())
    for path in (*FILES, *sorted((ROOT / "service").rglob("*"))):
        if path.is_file() and "__pycache__" not in path.parts:
            found.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return found.hexdigest()[:16]
