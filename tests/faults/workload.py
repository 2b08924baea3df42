"""Changes that are made to Jobs while a test looks elsewhere, straight at the apiserver."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import aiohttp

from tests.callers import Caller
from tests.contract.paths import direct_job, direct_jobs

COLORS = ("red", "green", "blue")
_NAMES = tuple(f"job-{number}" for number in range(8))
_PAUSE_SECONDS = 0.01
_JSON = {"Content-Type": "application/json"}
_MERGE = {"Content-Type": "application/merge-patch+json"}


def suspended_job(name: str, color: str, padding: int = 0) -> bytes:
    """Return a Job that no pods are made for, with a label, and with a number of bytes in an annotation."""
    metadata = {"name": name, "labels": {"color": color}, "annotations": {"padding": "x" * padding}}
    container = {"name": "main", "image": "busybox"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    spec = {"suspend": True, "template": template}
    return json.dumps({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}).encode()


async def create_job(direct: Caller, namespace: str, name: str, color: str = "red", padding: int = 0) -> int:
    """Create such a Job, and return its resourceVersion."""
    answer = await direct("POST", direct_jobs(namespace), suspended_job(name, color, padding), _JSON)
    assert answer.status == 201, answer
    return int(answer.json["metadata"]["resourceVersion"])


async def patch_job(direct: Caller, namespace: str, name: str, change: object, part: str = "") -> int:
    """Merge a change into a Job, or into its status, and return the resourceVersion."""
    path = direct_job(namespace, name) + part
    answer = await direct("PATCH", path, json.dumps(change).encode(), _MERGE)
    assert answer.status == 200, answer
    return int(answer.json["metadata"]["resourceVersion"])


async def delete_job(direct: Caller, namespace: str, name: str) -> None:
    """Delete a Job."""
    answer = await direct("DELETE", direct_job(namespace, name), b'{"propagationPolicy":"Background"}', _JSON)
    assert answer.status == 200, answer


@asynccontextmanager
async def changing(direct: Caller, namespaces: Sequence[str], seed: int) -> AsyncIterator[None]:
    """Create, label, delete and create again for as long as the context, whatever becomes of each request."""
    changing = [
        asyncio.create_task(_change_forever(direct, namespace, random.Random(f"{seed} {number}")))  # noqa: S311
        for number, namespace in enumerate(namespaces)
    ]
    try:
        yield
    finally:
        for task in changing:
            task.cancel()
        ended = await asyncio.gather(*changing, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended


async def _change_forever(direct: Caller, namespace: str, chance: random.Random) -> None:
    while True:
        name, color = chance.choice(_NAMES), chance.choice(COLORS)
        patch = json.dumps({"metadata": {"labels": {"color": color}}}).encode()
        policy = chance.choice((b"Background", b"Background", b"Foreground"))
        method, path, body, headers = chance.choice(
            (
                ("POST", direct_jobs(namespace), suspended_job(name, color), _JSON),
                ("POST", direct_jobs(namespace), suspended_job(name, color), _JSON),
                ("PATCH", direct_job(namespace, name), patch, _MERGE),
                ("PATCH", direct_job(namespace, name), patch, _MERGE),
                ("DELETE", direct_job(namespace, name), b'{"propagationPolicy":"%b"}' % policy, _JSON),
            )
        )
        # Where the apiserver is being killed, etcd tells what became of it.
        with suppress(aiohttp.ClientError, OSError):
            await direct(method, path, body, headers)
        await asyncio.sleep(_PAUSE_SECONDS * chance.random())
