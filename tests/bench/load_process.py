"""A program that makes a load, for a `with` block."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Self


class LoadProcess:
    """Runs a program, which ends with the block at the latest.

    Args:
        command: the program and its arguments.
        variables: its environment, besides PATH; what is no other process' business belongs here.
    """

    def __init__(self, command: Sequence[str], variables: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            env={"PATH": os.environ.get("PATH", os.defpath), **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        # Reads what is left, closes the pipes and waits.
        self._process.communicate()
