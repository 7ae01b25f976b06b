"""The pages hold together: in the repository's file view, and (by `make docs`) on the site."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

import synthohive_spark

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!`)\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Of the headings, as file views of repositories make them."""
    headings = re.findall(r"^#+ (.*)$", _FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCED.sub("", page.read_text())):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if "://" not in link and (not target.exists() or (anchor and anchor not in anchors(target))):
            broken.append(link)
    assert not broken


def test_every_public_name_is_in_the_reference() -> None:
    text = "\n".join(page.read_text() for page in ROOT.glob("docs/reference/*.md"))
    told = {name.rpartition(".")[2] for name in re.findall(r"^::: (\S+)", text, re.MULTILINE)}
    public = {name for name in synthohive_spark.__all__ if not name.endswith("Error")}
    assert public <= told
    assert "::: synthohive_spark.errors" in text


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text().replace("!!python/object/apply:pymdownx.slugs.slugify", "")
    places = set(re.findall(r"[\w/]+\.(?:md|ipynb)", json.dumps(yaml.safe_load(text)["nav"])))
    assert {str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")} <= places
    assert {f"notebooks/{book.stem}.md" for book in ROOT.glob("notebooks/*.ipynb")} <= places
