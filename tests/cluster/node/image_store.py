"""A folder of images as the registry serves it: blobs by their digest, and tags that name one each."""

import hashlib
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class ImageStore:
    """Images of the OCI image specification: https://github.com/opencontainers/image-spec/blob/main/spec.md."""

    def __init__(self, folder: Path) -> None:
        self._blobs, self._tags = folder / "blobs" / "sha256", folder / "tags"
        self._blobs.mkdir(parents=True, exist_ok=True)

    def add(self, layer: bytes, config: Mapping[str, object], architecture: str) -> str:
        """Add an image of one layer, a tar, and return its digest. The same arguments give the same digest."""
        described = {
            "architecture": architecture,
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._add_blob(_json(described), CONFIG),
            "layers": [self._add_blob(layer, LAYER)],
        }
        return str(self._add_blob(_json(manifest), MANIFEST)["digest"])

    def tag(self, digest: str, name: str) -> None:
        """Give an image one more name, as a pod would write it."""
        repository, _, tag = full_name(name).rpartition(":")
        path = self._tags / repository / tag
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(digest)

    def load(self, archive: Path, name: str) -> None:
        """Add the image of an OCI layout in a tar, as `buildah push … oci-archive:` and `docker save` write it."""
        with tarfile.open(archive) as tar:
            for member in tar:
                folder, _, digest = member.name.rpartition("/")
                if member.isfile() and folder.endswith("blobs/sha256"):
                    content = tar.extractfile(member)
                    assert content is not None
                    (self._blobs / digest).write_bytes(content.read())
            index = tar.extractfile("index.json")
            assert index is not None
            (manifest,) = json.load(index)["manifests"]
        self.tag(manifest["digest"], name)

    def _add_blob(self, content: bytes, media_type: str) -> dict[str, Any]:
        digest = _digest(content)
        (self._blobs / digest.removeprefix("sha256:")).write_bytes(content)
        return {"mediaType": media_type, "digest": digest, "size": len(content)}


def full_name(image: str) -> str:
    """Return what a pod's image means: `busybox` is docker.io/library/busybox:latest."""
    registry, _, rest = image.rpartition("/")
    if "." not in registry.partition("/")[0] and not registry.startswith("localhost"):
        registry = f"docker.io/{registry or 'library'}"
    return f"{registry}/{rest}" if ":" in rest else f"{registry}/{rest}:latest"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
