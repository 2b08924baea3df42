"""`python -m tests.sandbox.record_server` asks a real apiserver and writes tests/data/server.json and logs.json."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from tests.cluster.control_plane import ControlPlane
from tests.sandbox import log_answers, server_answers

_CHANGES_NOTHING = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


async def _ask(control_plane: ControlPlane) -> Mapping[Path, list[Any]]:
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=_CHANGES_NOTHING) as session:
        return {
            each.RECORD: await each.of_the_apiserver(control_plane, session)
            for each in (server_answers, log_answers)
        }


def main() -> None:
    with ControlPlane() as control_plane:
        found = asyncio.run(_ask(control_plane))
    for record, answers in found.items():
        record.write_text("[\n" + ",\n".join(json.dumps(answer) for answer in answers) + "\n]\n")


if __name__ == "__main__":
    main()
