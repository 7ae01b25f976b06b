"""The notebooks run from top to bottom and show what they promise."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def shown(cell: Any, kind: str) -> str:
    """What a cell shows of one kind."""
    return "".join(out.get("data", {}).get(kind, "") for out in cell.get("outputs", ()))


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    pages = [shown(cell, "text/html") for cell in cells]
    assert any("<svg" in page for page in pages)
    fits = [cell for cell in cells if ".fit(" in cell.source]
    assert fits and all('<progress value="1.000"' in shown(cell, "text/html") and "fitted with seed 42" in shown(cell, "text/html") for cell in fits)
    if path.stem != "your_own_schema":
        assert any('class="shr"' in page and "shapes" in page for page in pages)
