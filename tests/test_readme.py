"""What the README says is so: its tables, its links, its names of files, flags and alerts."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from service import version
from service.api.routes import PAGES
from service.settings import Settings, flag_of
from tests.readme import CONTRACT, README, section, sections
from tests.tables import TABLES, tables_in, with_tables

ROOT = README.parent
DOCUMENTS = {
    "README.md": README,
    "docs/contract.md": CONTRACT,
    "docs/performance.md": README.parent / "docs" / "performance.md",
}
LONGEST_LINE = 120


@pytest.fixture(params=DOCUMENTS.values(), ids=list(DOCUMENTS))
def document(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def anchors(path: Path) -> set[str]:
    """Return what a link into a document may name: its headings, as they are spelt in links."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table_of(text: str, head: str) -> list[list[str]]:
    """Return the rows of a table, each as its cells."""
    _, _, rest = text.partition(f"\n| {head} |")
    assert rest, f"there is no table with the head {head!r}"
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_table_is_there_and_as_it_is(document: Path) -> None:
    assert document.read_text() == with_tables(document.read_text()), "run: python -m tests.readme"


def test_no_table_is_made_for_nothing() -> None:
    assert set().union(*(tables_in(each.read_text()) for each in DOCUMENTS.values())) == set(TABLES)


def test_lines_are_no_longer_than_people_read(document: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert [
        line for line in prose.splitlines() if len(line) > LONGEST_LINE and not line.startswith(("|", "<!--"))
    ] == []


def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", document.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = document if not path else document.parent / path
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def test_the_contents_name_every_section() -> None:
    text = README.read_text()
    contents = re.findall(r"\[([^]]+)\]\(#", text.partition("\n## ")[0])
    assert sorted(contents) == sorted(set(sections(text)) - {"Licence"})


def test_every_page_is_named_beside_the_routes() -> None:
    assert {page.path for page in PAGES} <= set(re.findall(r"`(/[^`]*)`", section("Routes")))


def test_every_flag_that_is_told_of_is_one(document: Path) -> None:
    flags = {flag_of(each.name) for each in fields(Settings)}
    prose = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"`(--[a-z][a-z-]+)(?:=[^`]*| [^`]*)?`", prose)) - {"--set"} <= flags


def test_every_command_of_make_is_there_and_no_other() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"help"}
    assert set(re.findall(r"^\| `make ([a-z-]+)` \|", section("Working on it"), re.MULTILINE)) == targets
    assert set(re.findall(r"`(?:[A-Z_]+=\S+ )?make ([a-z-]+)", README.read_text())) <= targets


def test_every_alert_is_there_and_no_other() -> None:
    (group,) = yaml.safe_load((ROOT / "deploy/chart/files/alerts.yaml").read_text())["groups"]
    told = [[name.strip("`"), severity] for name, severity, _ in table_of(section("Operating"), "alert")]
    assert told == [[rule["alert"], rule["labels"]["severity"]] for rule in group["rules"]]
    assert set(re.findall(r"`(JobApi\w+)`", README.read_text())) == {name for name, _ in told}


def test_every_code_that_is_told_of_is_in_the_contract() -> None:
    codes = {int(row[0]) for row in table_of(CONTRACT.read_text(), "code")}
    rows = table_of(section("Operating"), "what happens")
    told = {int(code) for row in rows for cell in row for code in re.findall(r"\b[45]\d\d\b", cell)}
    assert told <= codes


def test_every_folder_of_tests_is_there_and_no_other() -> None:
    told = {
        name
        for row in table_of(section("Working on it"), "folder")
        for name in re.findall(r"`tests/(\w+)/`", row[0])
    }
    assert told == {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name[0] not in "_."}


def test_every_file_that_is_named_exists() -> None:
    named = r"`((?:access|api|cache|kube|tests|deploy)/[\w./-]*|(?:server|errors|metrics)\.py)`"
    for path in re.findall(named, section("Working on it")):
        assert any((root / path).exists() for root in (ROOT, ROOT / "service")), path


def test_the_image_is_told_of_by_its_version() -> None:
    assert set(re.findall(r"job-api:(\d[\w.]*\w)", README.read_text())) == {version.VERSION}
