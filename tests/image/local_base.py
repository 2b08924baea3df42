"""A base image from Debian's packages alone, and the wheels for it: for machines that reach no registry."""

import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cluster.go_module import BuildError, cache_folder, locked, say, workspace

from .inputs import LOCKS

# The Debian release of the Dockerfile's own base, and so the same Python.
SUITE, PYTHON = "trixie", "3.13"
PACKAGES = ("python3", "python3-venv", "ca-certificates")
# What no container reads.
NEEDLESS = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
)


def base_archive() -> Path:
    """Return a tar of the base's root file system; it is made the first time, which takes a minute or two.

    Raises:
        BuildError: debootstrap is missing, this is not root, or the archive of Debian cannot be reached.
    """
    archive = _cache(f"base-{_digest(SUITE, *PACKAGES, *NEEDLESS)}.tar")
    with locked(archive), workspace(archive) as folder:
        if archive.exists():
            return archive
        say(f"making a base image of Debian {SUITE}'s packages")
        root = folder / "root"
        # It mounts; what it leaves mounted when it is killed goes with its own mount namespace.
        boot = ("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root))
        run("unshare", "--mount", "--", *boot)
        for each in NEEDLESS:
            shutil.rmtree(root / each)
        partial = folder / "base.tar"
        run("tar", f"--directory={root}", "--numeric-owner", "--sort=name", "--create", f"--file={partial}", ".")
        partial.replace(archive)
    return archive


def wheelhouse() -> Path:
    """Return a folder with the wheels of the lock files for the base, fetched as this machine's pip is set up.

    Raises:
        BuildError: pip cannot download them.
    """
    machine = platform.machine()
    wheels = _cache(f"wheels-{_digest(PYTHON, machine, *(lock.read_text() for lock in LOCKS))}")
    with locked(wheels), workspace(wheels) as folder:
        if wheels.exists():
            return wheels
        say("downloading the wheels that are locked")
        platforms = [
            f"--platform={each}_{machine}" for each in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
        ]
        for lock in LOCKS:
            pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
            wanted = (
                "--only-binary=:all:",
                "--require-hashes",
                f"--requirement={lock}",
                f"--python-version={PYTHON}",
            )
            run(*pip, *wanted, *platforms, f"--dest={folder / 'wheels'}")
        (folder / "wheels").replace(wheels)
    return wheels


def run(*command: str) -> str:
    """Run a command and return what it printed.

    Raises:
        BuildError: it is missing, or ended with an error; the message ends with what it said last.
    """
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise BuildError(f"there is no `{command[0]}` on PATH; Debian has it as a package of that name") from error
    if ended.returncode != 0:
        said = "\n".join((ended.stdout + ended.stderr).splitlines()[-20:])
        raise BuildError(f"`{' '.join(command[:6])} ...` ended with exit code {ended.returncode}:\n{said}")
    return ended.stdout


def _cache(name: str) -> Path:
    folder = cache_folder().parent / "image"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join((*parts, platform.machine())).encode()).hexdigest()[:16]
