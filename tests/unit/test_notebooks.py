"""The notebooks as files: nothing of a run in them, and code that fits the package."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import synthohive_spark

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_no_outputs_and_names_what_there_is(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = notebook["cells"]
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["name"]) == (4, "python3")
    assert len({cell["id"] for cell in cells}) == len(cells) and cells[0]["cell_type"] == "markdown"
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    tree = ast.parse("\n".join("".join(cell["source"]) for cell in code))
    taken = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "synthohive_spark"]
    assert taken and {alias.name for n in taken for alias in n.names} <= set(synthohive_spark.__all__)


def test_there_are_three_and_the_readme_names_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.stem for path in NOTEBOOKS] == ["cluster", "first_copy", "your_own_schema"]
    assert all(f"notebooks/{path.name}" in readme for path in NOTEBOOKS)
