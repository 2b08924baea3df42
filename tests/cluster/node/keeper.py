"""The parent of one box, on the machine itself: `python -m tests.cluster.node.keeper DEBIAN-ROOT`.

It makes the directory and the cgroup, starts the box and hands it its own standard input and output, on which the
supervisor inside answers. However the box ends, and whoever ends it, the keeper then removes what it made.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from ..supervisor import ENDING, dying_with_parent, remove
from . import cgroups

# --kill-child: the box's first process dies with `unshare`, and with the first the kernel ends all the others.
BOX = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private")


def main(debian: str) -> None:
    """Run a box until it ends."""
    for number in ENDING:
        signal.signal(number, lambda *_: sys.exit(0))
    directory = Path(tempfile.mkdtemp(prefix="job-api-node-"))
    try:
        cgroups.make(directory.name)
        _run([*BOX, sys.executable, "-m", "tests.cluster.node.init", str(directory), debian])
    finally:
        # Nobody reads the output any more, and a signal now would leave behind what is to be removed.
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        remove(directory)
        cgroups.remove(directory.name)
    os._exit(0)


def _run(command: list[str]) -> None:
    with subprocess.Popen(command, preexec_fn=dying_with_parent()) as box:  # noqa: PLW1509 - one thread
        try:
            box.wait()
        finally:
            box.kill()


if __name__ == "__main__":
    main(sys.argv[1])
