"""What npm installs is said exactly, and is taken by its hash from wherever npm is told to."""

import json
import re
from typing import Any

from tests.readme import README

FOLDER = README.parent / "examples" / "typescript"


def packages() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    return found


def test_every_package_is_taken_by_its_hash() -> None:
    others = [found for path, found in packages().items() if path]
    assert len(others) > 3
    assert [found for found in others if not found["integrity"].startswith("sha512-")] == []


def test_no_registry_is_named() -> None:
    assert [path for path, found in packages().items() if "resolved" in found] == []


def test_versions_are_exact_and_those_that_are_locked() -> None:
    told = json.loads((FOLDER / "package.json").read_text())
    for kind in ("dependencies", "devDependencies"):
        assert packages()[""][kind] == told[kind]
        for name, version in told[kind].items():
            assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
            assert packages()[f"node_modules/{name}"]["version"] == version


def test_no_package_runs_anything_when_it_is_installed() -> None:
    assert "ignore-scripts=true" in (FOLDER / ".npmrc").read_text().splitlines()
