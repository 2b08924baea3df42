"""The cgroup that everything of a node's pods lies in. Cgroups are not in the box: they are the machine's."""

import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
SECONDS = 10.0
POLL_SECONDS = 0.05
# What the kubelet asks of its root where there is one tree for all (written for cgroup v2, tried on v1 only).
CONTROLLERS = "+cpu +cpuset +memory +pids"


def make(name: str) -> None:
    """Make the cgroup, in each tree where there is one per controller."""
    if _has_one_tree():
        (ROOT / "cgroup.subtree_control").write_text(CONTROLLERS)
    for tree in _trees():
        (tree / name).mkdir()
        # In v1 a cpuset has nothing, and takes no process, until it is given some.
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (tree / file).exists() and not _has_one_tree():
                (tree / name / file).write_text((tree / file).read_text())


def remove(name: str) -> None:
    """Remove the cgroup with those in it, whose processes are gone or about to be."""
    deadline = time.monotonic() + SECONDS
    while (left := [folder for folder in found(name) if not _is_removed(folder)]) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    if left:
        raise OSError(f"cgroups are still in use: {', '.join(map(str, left))}")


def found(name: str) -> list[Path]:
    """Return where the cgroup is to be found; nowhere after its end."""
    return [tree / name for tree in _trees() if (tree / name).exists()]


def _has_one_tree() -> bool:
    return (ROOT / "cgroup.controllers").exists()


def _trees() -> list[Path]:
    if _has_one_tree():
        return [ROOT]
    # `cpu` is often a link to `cpu,cpuacct`.
    return sorted({each.resolve() for each in ROOT.iterdir() if each.is_dir()})


def _is_removed(folder: Path) -> bool:
    try:
        for inner, _, _ in os.walk(folder, topdown=False):
            Path(inner).rmdir()
    except OSError:
        return False
    return True
