"""The example of reviews shows the very program that lies beside it."""

from doc_pages import ROOT, blocks


def test_the_page_of_reviews_shows_its_program():
    folder = ROOT / "examples" / "text_reviews"
    shown = [block.text for block in blocks(folder / "README.md") if block.file == "train.py"]
    assert shown == [(folder / "train.py").read_text("utf-8")]
