"""The images that the node is given, and the registry that it takes them from."""

import io
import json
import socket
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from ..components import free_ports
from ..polling import eventually
from . import registry
from .image_store import ImageStore, full_name
from .images import busybox_layer

_WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


@pytest.fixture
def url(tmp_path: Path, store: ImageStore) -> Iterator[str]:
    """A registry over the store."""
    (port,) = free_ports("registry").values()
    command = [sys.executable, "-I", str(Path(registry.__file__)), str(tmp_path / "images"), str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: _answers(port), "the registry answers")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _get(url: str) -> tuple[int, str | None, bytes]:
    try:
        with _WITHOUT_PROXY.open(url) as answer:
            return answer.status, answer.headers["Docker-Content-Digest"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None, error.read()


def test_the_same_busybox_gives_the_same_image(store: ImageStore) -> None:
    first, second = (store.add(busybox_layer(b"program", ["bin/sh"]), {"Cmd": ["sh"]}, "amd64") for _ in range(2))

    assert first == second


def test_a_layer_has_the_program_and_a_link_to_it_for_every_applet() -> None:
    with tarfile.open(fileobj=io.BytesIO(busybox_layer(b"program", ["bin/sh", "usr/bin/nc"]))) as tar:
        program = tar.extractfile("bin/busybox")
        assert program is not None
        assert program.read() == b"program"
        assert [tar.getmember(name).linkname for name in ("bin/sh", "usr/bin/nc")] == ["/bin/busybox"] * 2
        assert {member.mtime for member in tar} == {0}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("some/image", "docker.io/some/image:latest"),
        ("localhost/pause:node", "localhost/pause:node"),
        ("localhost:5000/image", "localhost:5000/image:latest"),
        ("registry.example/team/image:2", "registry.example/team/image:2"),
    ],
)
def test_an_image_means_what_a_node_takes_it_for(written: str, meant: str) -> None:
    assert full_name(written) == meant


def test_an_image_is_pulled_by_its_tag_and_piece_by_piece(store: ImageStore, url: str) -> None:
    digest = store.add(b"layer", {"Cmd": ["sh"]}, "amd64")
    store.tag(digest, "busybox")

    status, named, manifest = _get(f"{url}/v2/library/busybox/manifests/latest?ns=docker.io")
    layer = json.loads(manifest)["layers"][0]["digest"]

    assert (status, named) == (HTTPStatus.OK, digest)
    assert _get(f"{url}/v2/library/busybox/manifests/{digest}?ns=docker.io")[2] == manifest
    assert _get(f"{url}/v2/library/busybox/blobs/{layer}?ns=docker.io")[2] == b"layer"


@pytest.mark.parametrize("path", ["busybox/manifests/latest", "library/busybox/manifests/2", "../../etc/passwd"])
def test_what_the_registry_does_not_have_is_not_found(store: ImageStore, url: str, path: str) -> None:
    store.tag(store.add(b"layer", {}, "amd64"), "busybox")

    status, _, body = _get(f"{url}/v2/{path}?ns=docker.io")

    assert status == HTTPStatus.NOT_FOUND
    assert json.loads(body)["errors"][0]["code"] == "NAME_UNKNOWN"


def test_an_archive_that_another_tool_wrote_is_served_under_the_name_given(
    store: ImageStore, url: str, tmp_path: Path
) -> None:
    other = ImageStore(tmp_path / "other")
    digest = other.add(b"layer", {}, "amd64")
    (tmp_path / "other" / "index.json").write_text(json.dumps({"manifests": [{"digest": digest}]}))
    with tarfile.open(tmp_path / "image.tar", "w") as tar:
        for part in ("blobs", "index.json"):
            tar.add(tmp_path / "other" / part, part)

    store.load(tmp_path / "image.tar", "job-api:test")

    assert _get(f"{url}/v2/library/job-api/manifests/test?ns=docker.io")[:2] == (HTTPStatus.OK, digest)
