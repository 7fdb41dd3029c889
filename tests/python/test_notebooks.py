"""Notebooks run from the first cell to the last, draw, and have no stored output."""

from pathlib import Path

import pytest

from bochner.reproduce import real_heads

nbformat = pytest.importorskip("nbformat", reason="pip install nbformat")
nbclient = pytest.importorskip("nbclient", reason="pip install nbclient ipykernel")

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
#: What a notebook needs beside the package itself.
NEEDS = {"04_attention_error_on_real_heads": real_heads.missing}
#: Figures that a notebook draws, at least.
PICTURES = {
    "01_variance_of_estimators": 2,
    "02_a_new_kernel_from_scratch": 2,
    "03_choosing_an_estimator": 1,
    "04_attention_error_on_real_heads": 2,
}


def read(path):
    return nbformat.read(path, as_version=4)


def test_there_are_notebooks():
    assert set(PICTURES) <= {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_valid_and_has_no_stored_output(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.cells[0].cell_type == "markdown" and notebook.cells[0].source.startswith("# ")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


# The client's own dependencies warn of what they will change.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, monkeypatch):
    reason = NEEDS.get(path.stem, lambda: None)()
    if reason is not None:
        pytest.skip(reason)
    monkeypatch.setenv("PYTHONWARNINGS", "error::UserWarning:__main__")
    notebook = read(path)
    nbclient.NotebookClient(
        notebook, kernel_name="python3", timeout=300, resources={"metadata": {"path": FOLDER}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= PICTURES.get(path.stem, 0)
    assert not [output for output in outputs if output.output_type == "error"]
