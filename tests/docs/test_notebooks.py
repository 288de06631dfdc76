"""The notebooks run from top to bottom, and say what they were stored with, but for the last digits."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))


def printed(notebook: nbformat.NotebookNode) -> list[str]:
    """What each code cell prints, digits apart: engines of other machines round otherwise."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    texts = ["".join(part.text for part in cell.outputs if part.get("name") == "stdout") for cell in cells]
    return [re.sub(r"\d", "0", text) for text in texts]


def pictures(notebook: nbformat.NotebookNode) -> int:
    """How many it shows."""
    outputs = [part for cell in notebook.cells for part in cell.get("outputs", [])]
    return sum("image/jpeg" in part.get("data", {}) for part in outputs)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_and_shows_what_it_was_stored_with(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MPLBACKEND", raising=False)
    stored = nbformat.read(path, as_version=4)
    assert all(cell.execution_count for cell in stored.cells if cell.cell_type == "code")
    run = nbformat.read(path, as_version=4)
    NotebookClient(run, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert printed(run) == printed(stored)
    assert pictures(run) == pictures(stored) >= 3
