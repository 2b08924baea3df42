"""What is written twice is the same both times; these need no helm, but for the last."""

import json
import re
import tomllib

import pytest
import yaml

from . import manifests, settings_schema, values_table
from .helm import Helm
from .paths import CHART, ROOT


def test_the_schema_has_the_settings_as_they_are() -> None:
    text = settings_schema.SCHEMA.read_text()
    assert text == settings_schema.with_settings(text), "run: python -m tests.deploy"


def test_the_readme_has_the_values_as_they_are() -> None:
    text = values_table.README.read_text()
    assert text == values_table.with_values(text), "run: python -m tests.deploy"


def test_every_value_is_described_and_in_the_schema_and_no_other() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads(settings_schema.SCHEMA.read_text())["properties"]
    described = {path for path, _ in values_table.described()}
    assert set(values) == set(schema) - {"global"}
    for name, value in values.items():
        inner = schema[name].get("properties", {})
        parts = {(name, each) for each in value} if isinstance(value, dict) else set()
        assert (name,) in described or parts <= described, name
        if inner and name not in {"settings", "resources"} and not name.endswith("Probe"):
            assert set(value) == set(inner), name


def test_the_charts_version_is_the_projects() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_links_of_the_charts_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", values_table.README.read_text()):
        assert (CHART / target).exists(), target


@pytest.mark.deploy
def test_the_manifests_are_what_the_chart_renders(helm: Helm) -> None:
    assert manifests.RENDERED.read_text() == manifests.rendered(helm), "run: python -m tests.deploy"
