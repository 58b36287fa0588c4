"""The pages: what is made from code is current, links lead somewhere, and each says first whom it is for."""

import re
from pathlib import Path

import pytest
import yaml

from services.cli.pages.all import PAGES
from services.runtime.tenants.settings import TenantSettings

ROOT = Path(__file__).parents[2]
PAGES_OF_TEXT = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
DOCS = sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_is_made_from_code_is_current(name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == PAGES[name](), "run `make docs`"


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def without_code(page: Path) -> str:
    return re.sub(r"^```.+?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES_OF_TEXT, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page)):
        if re.match(r"https?:|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_a_page_says_first_whom_it_is_for(page: Path) -> None:
    title, blank, who = page.read_text("utf-8").splitlines()[:3]
    assert title.startswith("# ")
    assert not blank
    assert who.startswith("For ")


def test_every_page_is_listed() -> None:
    listed = set(re.findall(r"\]\(([\w-]+)\.md\)", (ROOT / "docs" / "README.md").read_text("utf-8")))
    assert listed == {page.stem for page in DOCS} - {"README"}, "list it in docs/README.md"


def test_what_is_covered_is_shown_by_tests_that_there_are() -> None:
    rows = [line for line in (ROOT / "docs" / "coverage.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    shown = [row for row in rows if not row.startswith("| What ")]
    assert len(shown) > 60
    for row in shown:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named or "left out" in row.lower(), row
        for path, test in named:
            assert re.search(rf"^(async )?def {test}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), row


def test_the_front_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 130


def test_the_settings_that_are_shown_can_be_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown = yaml.safe_load((ROOT / "services" / "cli" / "pages" / "example.yaml").read_text("utf-8"))
    monkeypatch.setenv("ACME_TOKEN", "x")
    secret = tmp_path / "secret"
    secret.write_text("x")
    tenant = shown["tenants"]["acme"]
    tenant |= {name: {"file": str(secret)} for name in ("api_key_secret", "contact_secret")}
    assert TenantSettings(**tenant).rate_limits.each == 80
