"""The image on the local base, as an archive that can be loaded anywhere; it takes buildah and no registry."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from tests.cluster.go_module import locked, say, workspace

from .inputs import DOCKERFILE, ROOT, build_arguments, digest, version
from .local_base import base_archive, run, wheelhouse

BASE = "localhost/base"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEPT_SECONDS = 24 * 3600.0

Buildah = Callable[..., str]


def local_image() -> Path:
    """Return the image as an OCI archive, built unless it was already of the same sources.

    Raises:
        BuildError: a program is missing, this is not root, or the build fails.
    """
    base, wheels = base_archive(), wheelhouse()
    archive = base.with_name(f"image-{digest()}.{base.stem}.tar")
    with locked(archive), workspace(archive) as folder:
        if archive.exists():
            return archive
        started = time.monotonic()
        say("building the image")
        _build(_buildah(folder / "storage"), base, wheels, folder / "image.tar")
        (folder / "image.tar").replace(archive)
        _forget_others(archive)
    say(f"the image was built in {time.monotonic() - started:.0f} s")
    return archive


def _buildah(storage: Path) -> Buildah:
    """Return buildah with a storage of its own; it needs neither overlay mounts nor containers' networks."""
    places = (f"--root={storage / 'root'}", f"--runroot={storage / 'run'}", "--storage-driver=vfs")
    return lambda *arguments: run("buildah", *places, *arguments).strip()


def _build(buildah: Buildah, base: Path, wheels: Path, archive: Path) -> None:
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, str(base), "/")
    buildah("config", f"--env={PATH}", container)
    buildah("commit", "--quiet", "--rm", container, BASE)
    name = f"job-api:{version()}"
    offline = (f"--build-context=wheels={wheels}", "--build-arg=PIP_NO_INDEX=1", f"--build-arg=BASE={BASE}")
    where = (f"--file={DOCKERFILE}", f"--tag={name}", str(ROOT))
    buildah("bud", "--isolation=chroot", *offline, *build_arguments(), *where)
    buildah("push", "--quiet", "--disable-compression", name, f"oci-archive:{archive}:{name}")


def _forget_others(archive: Path) -> None:
    """Remove the images of other sources, and what is left of builds that were killed, once nobody is at them."""
    for each in archive.parent.glob("image-*"):
        if each == archive or time.time() - each.stat().st_mtime < KEPT_SECONDS:
            continue
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)
