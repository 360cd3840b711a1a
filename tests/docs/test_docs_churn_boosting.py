"""The churn example shows the very program that stands beside it."""

from doc_pages import ROOT, blocks

FOLDER = ROOT / "examples" / "churn_boosting"


def test_the_page_shows_the_program_that_stands_beside_it():
    shown = [block.text for block in blocks(FOLDER / "README.md") if block.file == "train.py"]
    assert shown == [(FOLDER / "train.py").read_text("utf-8")]
