"""What is written in several places of the image's build is the same in all of them."""

import re

from tests.readme import section

from .inputs import DOCKERFILE, FILES, ROOT, version
from .local_base import PYTHON, SUITE


def test_the_local_base_is_the_release_and_the_python_of_the_default_base() -> None:
    base = f"python:{PYTHON}-slim-{SUITE}"
    assert f"\nARG BASE={base}\n" in DOCKERFILE.read_text()
    assert f"`{base}`" in section("The image")


def test_everything_that_is_copied_is_let_in_and_makes_another_image_when_it_changes() -> None:
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names == set(re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert names <= {"service", *(path.name for path in FILES)}


def test_the_readme_names_the_image_as_it_is_built() -> None:
    assert set(re.findall(r"job-api:(\d\S+?)[` ]", section("The image"))) == {version()}
