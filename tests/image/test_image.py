"""What is in the image, what it weighs, and that it needs no shell."""

import asyncio
import json
import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import Figure
from tests.readme import section
from tests.waiting import WATCHDOG_SECONDS

from .archive import Archive
from .inputs import revision, version

pytestmark = pytest.mark.node

MEGABYTE = 1_000_000
SHELLS = ("sh", "dash", "bash", "rbash")
USER = 65532


@pytest.fixture
def root() -> Iterator[Path]:
    """Return a folder for a root file system, which is too much to be kept as pytest keeps the last few."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "root"
        path.mkdir(mode=0o755)
        yield path


def test_it_runs_as_a_numbered_user_and_says_where_it_comes_from(image: Archive) -> None:
    settings = image.settings
    assert settings["User"] == f"{USER}:{USER}"
    assert settings["Entrypoint"] == ["python", "-m", "service"]
    assert settings["ExposedPorts"] == {"8080/tcp": {}}
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in settings["Labels"].items()}
    assert (labels["title"], labels["licenses"]) == ("job-api", "Apache-2.0")
    assert (labels["version"], labels["revision"]) == (version(), revision())


def test_it_adds_to_its_base_what_runs_and_nothing_else(image: Archive) -> None:
    files = image.own_files()
    assert {name.split("/")[0] for name in files} == {"opt"}
    packages = {name.split("/")[5] for name in files if name.count("/site-packages/") and name.count("/") > 5}
    assert {"service", "aiohttp", f"job_api-{version()}.dist-info"} <= packages
    assert not packages & {"pip", "setuptools", "wheel", "hatchling", "pytest", "tests", "test"}
    assert not {name for name in files if re.search(r"/tests?/|\.cache|/source/|/wheels/", name)}
    modules = {name for name in files if "/site-packages/" in name and name.endswith(".py")}
    compiled = {re.sub(r"__pycache__/(\w+)\.cpython-\d+\.pyc$", r"\1.py", name) for name in files}
    assert modules <= compiled


def test_of_swagger_ui_it_has_what_is_served_and_its_licence(image: Archive) -> None:
    folder = "/site-packages/swagger_ui/static/"
    found = {name.partition(folder)[2] for name in image.own_files() if folder in name}
    assert found == {"swagger-ui-bundle.js", "swagger-ui.css", "LICENSE"}


def test_it_is_small(image: Archive, figure: Figure) -> None:
    (_, base), *own = image.weights()
    packed, unpacked = (sum(each) for each in zip(*own, strict=True))
    figure(
        f"the image adds {packed / MEGABYTE:.0f} MB, {unpacked / MEGABYTE:.0f} MB unpacked, to its base of"
        f" {base / MEGABYTE:.0f} MB"
    )
    assert packed < 20 * MEGABYTE
    assert unpacked < 100 * MEGABYTE
    told = re.search(r"it adds (\d+) MB \((\d+) MB unpacked", section("The image"))
    assert told, "the README says what it weighs"
    assert [int(each) for each in told.groups()] == pytest.approx([packed / MEGABYTE, unpacked / MEGABYTE], abs=2)


async def test_it_serves_without_a_shell_and_names_its_commit(
    image: Archive, root: Path, http_client: aiohttp.ClientSession
) -> None:
    await asyncio.to_thread(image.unpack, root)
    for shell in SHELLS:
        for folder in ("bin", "usr/bin"):
            (root / folder / shell).unlink(missing_ok=True)
    sandbox = ("--sandbox", "--listen=127.0.0.1:0")
    process = await asyncio.create_subprocess_exec(
        "chroot",
        f"--userspec={USER}:{USER}",
        str(root),
        *image.settings["Entrypoint"],
        *sandbox,
        env=dict(each.split("=", 1) for each in image.settings["Env"]),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(WATCHDOG_SECONDS):
            url = ""
            while not url:
                line = await process.stderr.readline()
                assert line, "it ended"
                url = json.loads(line).get("url", "")
            async with http_client.get(f"{url}/version") as answer:
                told = await answer.json()
            for path in ("docs", "docs/docs.js", "docs/swagger-ui-bundle.js", "docs/swagger-ui.css"):
                async with http_client.get(f"{url}/{path}") as answer:
                    assert answer.status == 200, path
            process.send_signal(signal.SIGINT)
            await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert (told["version"], told["gitCommit"]) == (version(), revision() or None)
