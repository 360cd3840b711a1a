"""LightGBM's own list of parameters: it reads beyond the end of one that is cut, so such a one does not reach it."""

from pathlib import Path

import pytest

from golive.adapters.formats.lightgbm import check_parameters
from golive.errors import DataError

WHOLE = (
    "tree\nend of trees\n\nparameters:\n[boosting: gbdt]\n[monotone_constraints: ]\n[eval_at: 1,2]\n\n"
    "end of parameters\n\npandas_categorical:[[1, 2]]\n"
)
PATH = Path("model.txt")


@pytest.mark.parametrize("text", [WHOLE, WHOLE.replace("\n", "\r\n"), "tree\nend of trees\n"])
def test_a_whole_list_and_a_file_without_one_pass(text):
    check_parameters(PATH, text)


def test_a_list_that_is_cut_anywhere_is_refused():
    start, stop = WHOLE.index("parameters:\n") + len("parameters:\n"), WHOLE.index("end of parameters\n")
    for end in range(start, stop + len("end of parameters") - 1):
        with pytest.raises(DataError, match=r"model\.txt (ends in the middle of its parameters|has the line)"):
            check_parameters(PATH, WHOLE[:end])


def test_a_line_that_is_no_parameter_is_refused_by_name():
    with pytest.raises(DataError, match=r"the line '\[boosting' among its parameters, which is none; get a whole copy"):
        check_parameters(PATH, WHOLE.replace("[boosting: gbdt]", "[boosting"))
