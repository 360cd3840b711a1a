"""Links inside the repository lead somewhere."""

import re

import pytest
from doc_pages import ROOT, pages

_LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_to_files(page):
    links = _LINK.findall(page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_images_are_small():
    images = [*(ROOT / "docs" / "images").iterdir()]
    assert images
    assert [image.name for image in images if image.stat().st_size > 300_000] == []
