"""The example projects and notebooks run, and are those that `golive init --example` writes."""

import json
import re
import shutil

import httpx
import nbformat
import pytest
from doc_pages import ROOT, Block
from nbclient import NotebookClient

from golive.control.project.init import example_text, examples

FOLDERS = {
    "credit_risk": "examples/credit_risk",
    "heart_or_diabetes": "examples/heart_or_diabetes",
    "house_prices": "examples/house_prices",
    "house_prices_two_columns": "examples/house_prices/two_columns",
    "iris": "examples/iris",
}
LONG = {"credit_risk", "diabetes", "house_prices"}
NOTEBOOKS = sorted(path for path in ROOT.glob("examples/**/*.ipynb") if ".golive" not in path.parts)


@pytest.mark.parametrize("name", FOLDERS)
def test_an_example_folder_is_what_init_writes(name):
    assert (ROOT / FOLDERS[name] / "golive.yaml").read_text("utf-8") == example_text(name)


def test_every_example_has_a_folder():
    assert set(FOLDERS) == set(examples())


@pytest.mark.parametrize(
    "notebook",
    [pytest.param(path, id=path.stem, marks=[pytest.mark.heavy] if path.stem in LONG else []) for path in NOTEBOOKS],
)
def test_a_notebook_runs_from_top_to_bottom(notebook, scratch):
    book = nbformat.read(notebook, as_version=4)
    done = NotebookClient(book, timeout=120, resources={"metadata": {"path": str(scratch.folder)}}).execute()
    shown = json.dumps([cell.get("outputs", []) for cell in done.cells])
    assert "text/html" in shown, "evidence shows itself as a table"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(notebook):
    cells = nbformat.read(notebook, as_version=4).cells
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in cells)


def test_the_line_that_up_prints_answers(scratch, built):
    page = Block(page=ROOT / "README.md", line=0, language="sh", words=(), text="")
    shutil.copytree(built("examples/house_prices/two_columns"), scratch.folder / "houses")
    assert "verdict pass" in " ".join(scratch.bash("golive up houses --no-serve", page).split())
    printed = scratch.bash("golive up houses --detach", page)
    line = re.search(r"^ask +(.+)$", printed, re.MULTILINE)[1]
    assert len(json.loads(scratch.bash(line, page))["predictions"]) == 1
    url = re.search(r"^live .*? at (http://\S+)", printed, re.MULTILINE)[1]
    assert "openapi.json" in httpx.get(f"{url}/docs").text
