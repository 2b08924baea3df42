"""Schemathesis makes calls of nothing but the document, and finds no answer that the document does not tell."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.callers import Caller
from tests.conftest import Figure, StartService
from tests.contract.conftest import Backend
from tests.openapi.schemathesis_exclusions import EXCLUSIONS
from tests.openapi.schemathesis_run import Finished, run_schemathesis


@pytest.fixture
async def url(backend: Backend, tmp_path: Path, start_service: StartService) -> str:
    """Return the service, which asks for a token where the apiserver does."""
    mode = "none" if backend.token is None else "passthrough"
    return await start_service(kubeconfig=backend.kubeconfig(tmp_path / "kubeconfig"), cache=True, auth_mode=mode)


@pytest.fixture
def token(backend: Backend) -> Mapping[str, str]:
    """Return the header with a token, where there is one."""
    return {} if backend.token is None else {"Authorization": f"Bearer {backend.token}"}


async def _places(direct: Caller) -> set[str]:
    """Return the namespaces that have Jobs."""
    listed = await direct("GET", "/apis/batch/v1/jobs")
    return {each["metadata"]["namespace"] for each in listed.json["items"]}


def _check(finished: Finished, caplog: pytest.LogCaptureFixture) -> str:
    """Check that nothing was found, and return how many calls there were."""
    errors = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    assert not errors, errors
    assert finished.code == 0, finished.report
    # Of a call along a link that was not answered in time the code says nothing.
    assert "errored" not in finished.report, finished.report
    calls = re.search(r"(\d+) generated", finished.report)
    assert calls, finished.report
    return calls[1]


@pytest.mark.cluster
@pytest.mark.parametrize("phases", ["examples,coverage,stateful", "fuzzing"])
async def test_nothing_is_found_neither_in_one_call_nor_in_those_that_follow_from_it(
    url: str,
    phases: str,
    token: Mapping[str, str],
    direct: Caller,
    namespace: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    figure: Figure,
) -> None:
    before = await _places(direct)
    options = (f"--phases={phases}", "--max-examples=12")
    finished = await run_schemathesis(url, namespace, tmp_path, *options, headers=token, follows=not token)
    calls = _check(finished, caplog)
    assert await _places(direct) <= before | {namespace}
    figure(f"Schemathesis, {phases}: {calls} calls, and nothing found but what is none:")
    for place, count in sorted(finished.needed.items()):
        figure(f"  {count:4} {EXCLUSIONS[place].check}: {EXCLUSIONS[place].reason}")
