"""Hooks of MkDocs: pages of the site that lie outside of docs/ (README, notebooks, ...), and links that hold both in the repository and on the site."""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "notebooks/first_copy.ipynb": "notebooks/first_copy.md",
    "notebooks/your_own_schema.ipynb": "notebooks/your_own_schema.md",
    "notebooks/cluster.ipynb": "notebooks/cluster.md",
}
_SOURCES = {page: source for source, page in PAGES.items()}
_LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[)#])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of `PAGES`."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=notebook_text(text) if source.endswith(".ipynb") else text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links that are right in the repository at the pages of the site."""
    return with_site_links(markdown, page.file.src_uri)


def with_site_links(markdown: str, page: str) -> str:
    """The text of a page with links between its place in the site; `page` is that place, such as `notebooks/cluster.md`."""
    source = _SOURCES.get(page, f"docs/{page}")

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[0]))
        place = PAGES.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        return posixpath.relpath(place, posixpath.dirname(page) or ".") if place else link[0]

    return _LINK.sub(moved, markdown)


def notebook_text(text: str) -> str:
    """The cells of a notebook as Markdown, without outputs."""
    cells = ((cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"])
    return "\n\n".join(source if kind == "markdown" else f"```python\n{source}\n```" for kind, source in cells if source.strip())
