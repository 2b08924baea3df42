"""What Debian has ready made: unpacked into the user's cache, not installed on the machine."""

import hashlib
import platform
import shutil
import subprocess
from pathlib import Path

from ..go_module import BuildError, cache_folder, locked, say, workspace

# runc runs containers, busybox is what they run, the plugins give them their network, nft writes kube-proxy's
# rules; the rest are nft's libraries.
PACKAGES = (
    "runc",
    "busybox-static",
    "containernetworking-plugins",
    "nftables",
    "libnftables1",
    "libnftnl11",
    "libmnl0",
    "libjansson4",
    "libedit2",
    "libbsd0",
    "libmd0",
    "libgmp10",
    "libxtables12",
)
RELEASE = Path("/etc/os-release")
# apt would give its user _apt to the download, who may not write into root's cache.
DOWNLOAD = ("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download")


def debian_root(*packages: str) -> Path:
    """Return the folder that packages are unpacked into, as a root; it is filled the first time.

    Args:
        packages: their names, with what they depend on; none: those of the node.

    Raises:
        BuildError: apt or dpkg is missing, or a package cannot be downloaded or unpacked.
    """
    wanted = packages or PACKAGES
    root = _cache(wanted)
    if not root.exists():
        _fill(root, wanted)
    return root


def _cache(packages: tuple[str, ...]) -> Path:
    release = RELEASE.read_bytes() if RELEASE.exists() else b""
    digest = hashlib.sha256("\0".join((*packages, platform.machine())).encode() + release)
    return cache_folder() / f"debian-{digest.hexdigest()[:16]}"


def _fill(root: Path, packages: tuple[str, ...]) -> None:
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            raise BuildError(f"{' '.join(packages)}: they come from Debian, and there is no `{program}` on PATH")
    root.parent.mkdir(parents=True, exist_ok=True)
    with locked(root), workspace(root) as folder:
        if root.exists():
            return
        say(f"downloading from Debian: {' '.join(packages)}")
        # A machine that was just made knows no packages yet.
        if not _succeeds((*DOWNLOAD, *packages), folder):
            _run(("apt-get", "-q", "update"), folder)
            _run((*DOWNLOAD, *packages), folder)
        for package in sorted(folder.glob("*.deb")):
            _run(("dpkg", "-x", str(package), str(folder / "root")), folder)
        (folder / "root").replace(root)


def _succeeds(command: tuple[str, ...], folder: Path) -> bool:
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def _run(command: tuple[str, ...], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BuildError(f"`{' '.join(command[:5])} ...` fails: {' '.join(result.stderr.split())}")
