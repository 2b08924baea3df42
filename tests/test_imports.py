"""Every module of the service imports alone: none needs another to have been imported before it."""

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in (ROOT / "service").rglob("*.py")
)
PROGRAM = "import importlib, sys\nfor module in sys.argv[1:]: importlib.import_module(module)"


def test_every_module_imports_without_a_warning_and_prints_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, *MODULES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_module_needs_itself() -> None:
    """Without a circle, a module that imports at all imports alone; to try each by itself would take seconds."""
    graph = grimp.build_graph("service", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert set(imports) == set(MODULES)
    TopologicalSorter(imports).prepare()
