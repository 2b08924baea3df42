"""`python -m tests.sandbox.record_server` asks a real apiserver, and writes tests/data/server.json."""

import asyncio
import json
from typing import Any

import aiohttp

from tests.cluster.control_plane import ControlPlane
from tests.sandbox.server_answers import RECORD, of_the_apiserver

_CHANGES_NOTHING = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


async def _ask(control_plane: ControlPlane) -> list[Any]:
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=_CHANGES_NOTHING) as session:
        return await of_the_apiserver(control_plane, session)


def main() -> None:
    with ControlPlane() as control_plane:
        answers = asyncio.run(_ask(control_plane))
    RECORD.write_text("[\n" + ",\n".join(json.dumps(answer) for answer in answers) + "\n]\n")


if __name__ == "__main__":
    main()
