"""Every module of the service imports alone: none needs another to have been imported before it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in (ROOT / "service").rglob("*.py")
)

# The interpreter is fresh as far as the service goes: what others wrote is imported once, for it costs a second,
# and every module of ours then in a child of its own.
PROGRAM = """
import importlib, json, os, sys, traceback
import aiohttp.web, kubernetes_asyncio.client, kubernetes_asyncio.config, msgspec, structlog, yaml

def failure(module):
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            importlib.import_module(module)
        except BaseException:
            os.write(write, traceback.format_exc()[-4000:].encode())
        os._exit(0)
    os.close(write)
    os.wait()
    with os.fdopen(read) as pipe:
        return pipe.read()

print(json.dumps({module: failure(module) for module in sys.argv[1:]}))
"""


@pytest.fixture(scope="module")
def failures() -> Mapping[str, str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, *MODULES],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    return msgspec.json.decode(done.stdout, type=dict[str, str])


@pytest.mark.parametrize("module", MODULES)
def test_every_module_imports_alone_and_without_a_warning(module: str, failures: Mapping[str, str]) -> None:
    assert failures[module] == ""


def test_importing_prints_nothing_and_starts_nothing(failures: Mapping[str, str]) -> None:
    assert set(failures) == set(MODULES)
