"""`python -m tests.deploy` writes what is generated in deploy/, `python -m tests.deploy build` gets the tools."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.cluster.go_module import BuildError, say

from . import manifests, settings_schema, values_table
from .helm import Helm, helm_program
from .promtool import promtool_program


def main() -> int:
    """Do what the command line asks and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.deploy", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["write", "build"], default="write")
    command = parser.parse_args().command
    try:
        program = helm_program()
        say(f"helm is {program}")
        if command == "build":
            say(f"promtool is {promtool_program()}")
    except BuildError as error:
        say(str(error))
        return 1
    if command == "write":
        _write(program)
    return 0


def _write(program: Path) -> None:
    settings_schema.SCHEMA.write_text(settings_schema.with_settings(settings_schema.SCHEMA.read_text()))
    values_table.README.write_text(values_table.with_values(values_table.README.read_text()))
    with tempfile.TemporaryDirectory() as home:
        manifests.RENDERED.write_text(manifests.rendered(Helm(program, Path(home))))


if __name__ == "__main__":
    sys.exit(main())
