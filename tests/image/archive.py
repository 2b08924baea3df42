"""What an OCI archive holds: https://github.com/opencontainers/image-spec/blob/main/image-layout.md."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True, slots=True)
class Archive:
    """An image in a tar, as `buildah push … oci-archive:` writes it."""

    path: Path

    @property
    def settings(self) -> dict[str, Any]:
        """What a container of it is started with: user, environment, entry point, labels."""
        configuration = self._json(self._manifest()["config"]["digest"])
        settings: dict[str, Any] = configuration["config"]
        return settings

    def weights(self) -> list[tuple[int, int]]:
        """Return of each layer, the base's first, how many bytes it has as it travels, and unpacked."""
        packed = [layer["size"] for layer in self._manifest()["layers"]]
        unpacked = [sum(member.size for member in layer) for layer in self._layers()]
        return list(zip(packed, unpacked, strict=True))

    def own_files(self) -> set[str]:
        """Return the paths of the files that the image adds to its base."""
        return {member.name for number, layer in enumerate(self._layers()) if number for member in layer}

    def unpack(self, folder: Path) -> None:
        """Write the whole root file system into a folder."""
        for layer in self._layers():
            layer.extractall(folder, filter="fully_trusted")  # noqa: S202 (it was built here)

    def _manifest(self) -> Any:
        with tarfile.open(self.path) as archive:
            (found,) = json.load(_content(archive, "index.json"))["manifests"]
        return self._json(found["digest"])

    def _json(self, digest: str) -> Any:
        with tarfile.open(self.path) as archive:
            return json.load(_content(archive, _blob(digest)))

    def _layers(self) -> Iterator[tarfile.TarFile]:
        for layer in self._manifest()["layers"]:
            with (
                tarfile.open(self.path) as archive,
                tarfile.open(fileobj=_content(archive, _blob(layer["digest"]))) as files,
            ):
                yield files


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _content(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    content = archive.extractfile(name)
    assert content is not None
    return content
