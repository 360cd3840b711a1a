"""Every code block of the documentation is carried out."""

import shutil

import pytest
from doc_pages import LANGUAGES, ROOT, blocks, first_missing, pages, shape, start_of

PAGES = pages()
LONG = {
    "README.zh-CN.md",
    "docs/bench.md",
    "docs/client.md",
    "docs/documents.md",
    "docs/evaluation.md",
    "docs/explaining.md",
    "docs/exports.md",
    "docs/fairness.md",
    "docs/gate.md",
    "docs/getting-started.md",
    "docs/importing.md",
    "docs/isolated.md",
    "docs/monitoring.md",
    "docs/offline.md",
    "docs/optimizing.md",
    "docs/packaging.md",
    "docs/releases.md",
    "docs/serving.md",
    "docs/tensor-models.md",
    "docs/zh/client.md",
    "docs/zh/documents.md",
    "docs/zh/evaluation.md",
    "docs/zh/explaining.md",
    "docs/zh/fairness.md",
    "docs/zh/getting-started.md",
    "docs/zh/worked-examples.md",
    "examples/churn_boosting/README.md",
    "examples/credit_risk/README.md",
    "examples/credit_risk/README.zh-CN.md",
    "examples/heart_or_diabetes/README.md",
    "examples/heart_or_diabetes/README.zh-CN.md",
    "examples/house_prices/README.md",
    "examples/house_prices/README.zh-CN.md",
    "examples/house_prices/two_columns/README.md",
    "examples/iris/README.zh-CN.md",
    "examples/text_reviews/README.md",
}
"""Carried out by ``make test-heavy``: they train, measure and serve for longer than a minute together."""
MOST_NOT_RUN = 24


def _asked(page):
    name = str(page.relative_to(ROOT))
    return pytest.param(page, id=name, marks=[pytest.mark.heavy] if name in LONG else [])


@pytest.mark.parametrize("page", [_asked(page) for page in PAGES])
def test_the_code_blocks_of_a_page_run_in_order(page, scratch, built):
    if start := start_of(page):
        shutil.copytree(built(start), scratch.folder, dirs_exist_ok=True)
    for block in blocks(page):
        scratch.carry_out(block)


def test_every_code_block_is_in_a_language_that_is_tested():
    unknown = [
        f"{block} {block.language!r}" for page in PAGES for block in blocks(page) if block.language not in LANGUAGES
    ]
    assert unknown == []


def test_every_fence_is_read_as_a_block():
    for page in PAGES:
        fences = sum(line.lstrip().startswith("```") for line in page.read_text("utf-8").splitlines())
        assert fences == 2 * len(blocks(page)), page


def test_blocks_that_do_not_run_are_few_and_say_why():
    left_out = [block for page in PAGES for block in blocks(page) if not block.runs]
    assert len(left_out) <= MOST_NOT_RUN
    for block in left_out:
        assert block.language in {"console", "sh"}, block
        assert block.text.startswith("# "), block


def test_a_page_that_shows_what_is_not_printed_fails():
    printed = "one  two\nthree\n"
    assert first_missing(["one two", "thr…"], printed) is None
    assert first_missing(["three", "one two"], printed) == "one two"
    assert first_missing(["four"], printed) == "four"


def test_an_answer_with_other_keys_fails():
    assert shape({"a": [{"b": 1}], "c": "x"}) == shape({"a": [{"b": 2}, {}], "c": "y"})
    assert shape({"a": 1}) != shape({"b": 1})
    assert shape({"a": 1}) != shape({"a": "1"})
