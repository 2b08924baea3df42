"""The images that the node has from its start, all made of one static busybox: same busybox, same bytes."""

import io
import platform
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from .image_store import ImageStore

# What the README and the tests name. They are not those projects' images, but `sh` and its friends are there.
BUSYBOX = ("busybox", "busybox:1", "busybox:1.35", "busybox:1.36", "busybox:1.37", "alpine", "alpine:3")
# What holds a pod's namespaces while its containers come and go; it sleeps until it is told to end.
PAUSE = "localhost/pause:node"
PAUSE_COMMAND = ("/bin/sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 86400 & wait $!; done")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FOLDERS = ("bin", "sbin", "usr", "usr/bin", "usr/sbin", "etc", "dev", "proc", "sys", "root", "var", "home")
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def add_images(store: ImageStore, busybox: Path) -> None:
    """Put the images into the store."""
    layer = busybox_layer(busybox.read_bytes(), _applets(busybox))
    digest = store.add(layer, {"Env": [PATH], "Cmd": ["sh"]}, architecture())
    for name in BUSYBOX:
        store.tag(digest, name)
    store.tag(store.add(layer, {"Env": [PATH], "Entrypoint": PAUSE_COMMAND}, architecture()), PAUSE)


def architecture() -> str:
    """Return what images for this machine say of themselves, which is Go's name for it and not the kernel's."""
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def busybox_layer(busybox: bytes, applets: Sequence[str]) -> bytes:
    """Return a root file system as a tar: the program, a link to it for each applet, and what a shell expects."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for folder in FOLDERS:
            _add(tar, folder, tarfile.DIRTYPE)
        _add(tar, "tmp", tarfile.DIRTYPE, mode=0o1777)
        _add(tar, "bin/busybox", tarfile.REGTYPE, busybox)
        for applet in applets:
            _add(tar, applet, tarfile.SYMTYPE, target="/bin/busybox")
        for name, text in FILES.items():
            _add(tar, name, tarfile.REGTYPE, text.encode(), mode=0o644)
    return content.getvalue()


def _applets(busybox: Path) -> list[str]:
    listed = subprocess.run([str(busybox), "--list-full"], capture_output=True, text=True, check=True).stdout
    return sorted(path for path in listed.split() if "/" in path and path != "bin/busybox")


def _add(
    tar: tarfile.TarFile, name: str, kind: bytes, content: bytes = b"", *, mode: int = 0o755, target: str = ""
) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname, entry.size = kind, mode, target, len(content)
    tar.addfile(entry, io.BytesIO(content))
