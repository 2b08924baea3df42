"""Runs Schemathesis as a process of its own: its warnings are not ours, and importing it takes seconds."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.processes import ROOT, environment

HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
# The variables that tell the hooks in which namespace Jobs are made, and where to write which exclusion was needed.
NAMESPACE = "JOB_API_FUZZED_NAMESPACE"
NEEDED = "JOB_API_FUZZED_NEEDED"
# Set where manifests are drawn of all of Kubernetes' own fields, which takes time. To try field by field what each
# may be takes 20,000 calls, which the apiserver refuses, and which say nothing of the service.
WHOLE_MANIFESTS = "JOB_API_FUZZED_WHOLE_MANIFESTS"
# Set where a followed log ends with its container. It does not on the control plane's node, whose containers run in
# name only.
FOLLOWS = "JOB_API_FUZZED_FOLLOWS"
# Longer than any answer takes, for what is sent ends within a second.
_REQUEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended.

    Attributes:
        code: 0 when nothing was found.
        report: what it has printed.
        needed: how often each exclusion was needed, by its place.
    """

    code: int
    report: str
    needed: Counter[int]


async def run_schemathesis(
    url: str,
    namespace: str,
    directory: Path,
    *options: str,
    headers: Mapping[str, str] | None = None,
    follows: bool = True,
) -> Finished:
    """Run Schemathesis against a service, the same way each time.

    Args:
        url: the service's.
        namespace: where Jobs may be made.
        directory: an empty one, for what it writes.
        options: of `schemathesis run`.
        headers: what goes with each request.
        follows: whether logs may be followed.
    """
    needed = directory / "needed.json"
    variables = {
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": str(HOOKS),
        NAMESPACE: namespace,
        NEEDED: str(needed),
        FOLLOWS: "yes" if follows else "",
        WHOLE_MANIFESTS: "yes" if "--phases=fuzzing" in options else "",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"),
        *(
            "--generation-deterministic",
            "--continue-on-failure",
            f"--request-timeout={_REQUEST_SECONDS}",
            "--no-color",
        ),
        *(f"--header={name}:{value}" for name, value in (headers or {}).items()),
        *options,
        cwd=directory,
        env=environment(directory, variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        report, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    counts = json.loads(needed.read_text()) if needed.exists() else {}
    return Finished(await process.wait(), report.decode(), Counter({int(place): n for place, n in counts.items()}))
