"""Methods and remarks of measures: kept in English, said in the language of the page."""

import re

import pytest

from golive.evaluation.pages.phrases import phrases
from golive.evaluation.pages.remarks import remark
from golive.evaluation.words.remarks import WORDS

FILLED = {key: re.sub(r"\{(\w+)\}", r"[\1]", english) for key, (english, _) in WORDS.items()}


@pytest.mark.parametrize("key", sorted(WORDS))
def test_each_remark_is_itself_in_english_and_has_its_parts_in_chinese(key):
    text = FILLED[key]
    assert remark(text, phrases("en")) == text
    said = remark(text, phrases("zh"))
    assert re.search("[一-鿿]", said)
    assert all(part in said for part in re.findall(r"\[\w+\]", text))


def test_several_remarks_are_told_apart_though_one_of_them_holds_the_sign_between():
    text = "per row, in visits; few rows (90): the interval may be a little too narrow; 360 rows would halve it"
    assert remark(text, phrases("en")) == text
    assert remark(text, phrases("zh")) == "每行，单位为 visits；行数少（90）：区间可能略窄；360 行可使其减半"


def test_a_method_over_groups_is_said_whole():
    assert remark("delta method, over groups of rows", phrases("zh")) == "delta 方法，按组计算"


def test_what_has_no_words_stays_and_a_known_name_has_its_own():
    assert remark("made by hand", phrases("zh")) == "made by hand"
    assert remark("", phrases("zh")) == ""
    said = remark("the worst slice is a and b", phrases("zh"), names={"a and b": "a 且 b"})
    assert said == "最差的切片为 a 且 b"
