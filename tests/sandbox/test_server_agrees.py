"""A real apiserver answers as it did when tests/data/server.json and logs.json were recorded."""

import aiohttp
import pytest

from tests.cluster.control_plane import ControlPlane
from tests.sandbox import log_answers, log_table
from tests.sandbox.server_answers import differences, of_the_apiserver, recorded

pytestmark = pytest.mark.cluster


async def test_the_record_is_still_true(control_plane: ControlPlane, http_client: aiohttp.ClientSession) -> None:
    assert not differences(await of_the_apiserver(control_plane, http_client), recorded())


async def test_so_is_the_one_of_logs(control_plane: ControlPlane, http_client: aiohttp.ClientSession) -> None:
    found = await log_answers.of_the_apiserver(control_plane, http_client)
    assert not differences(found, recorded(log_answers.RECORD), log_table.REQUESTS)
