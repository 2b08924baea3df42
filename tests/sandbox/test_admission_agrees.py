"""A real apiserver answers as it did when tests/data/admission.json was recorded."""

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.sandbox.admission_answers import of_the_apiserver, recorded

pytestmark = pytest.mark.cluster


async def test_the_record_is_still_true(control_plane: ControlPlane) -> None:
    answers = await of_the_apiserver(control_plane)
    expected = recorded()
    assert {name for name, answer in answers.items() if answer != expected[name]} == set()
