"""The table that an isolated model saw is described from a sample, and built again, types and all."""

import msgspec
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from golive.adapters.runtimes.isolated.program import UNSEEN, Rows
from golive.adapters.runtimes.isolated.seen import seen_of
from golive.errors import NotConvertibleError

FRAME = pd.DataFrame(
    {
        "float": [1.5, np.nan, -0.0],
        "single": np.array([0.1, 0.2, 0.3], np.float32),
        "whole": [1, 2, 3],
        "small": np.array([1, 2, 255], np.uint8),
        "flag": [True, False, True],
        "maybe": pd.array([1, None, 3], dtype="Int64"),
        "maybe_flag": pd.array([True, None, False], dtype="boolean"),
        "text": pd.Series(["b", "a", None], dtype="str"),
        "other": pd.Series(["b", None, "a"], dtype="string"),
        "plain": pd.Series(["b", None, "a"], dtype=object),
        "absent": pd.Series(["b", float("nan"), "a"], dtype=object),
        "kind": pd.Categorical(["v", "u", None], categories=["v", "u"], ordered=True),
        "level": pd.Categorical([3, 1, 3]),
    }
)
NUMBERS = ["float", "single", "whole", "small", "flag", "maybe", "maybe_flag", "level"]
TEXTS = ["text", "other", "plain", "absent", "kind"]


def numbers_of(frame: pd.DataFrame) -> np.ndarray:
    return np.column_stack([frame[name].astype("Float64").to_numpy(np.float64, na_value=np.nan) for name in NUMBERS])


def codes_of(seen, frame: pd.DataFrame) -> np.ndarray:
    values = {column.name: column.values for column in seen.columns}
    coded = [
        [len(values[name]) + 1 if pd.isna(text) else values[name].index(text) for text in frame[name].tolist()]
        for name in TEXTS
    ]
    return np.array(coded, np.int64).T


@pytest.fixture(scope="module")
def seen():
    return seen_of(FRAME)[0]


@pytest.fixture(scope="module")
def rows(seen):
    return Rows(msgspec.to_builtins(seen))


def test_a_frame_is_built_again_out_of_numbers_and_codes(seen, rows):
    [(_, built)] = rows.parts(numbers_of(FRAME), rows.texts(codes_of(seen, FRAME)))
    assert_frame_equal(built, FRAME)
    assert built["plain"][1] is None
    assert built["absent"][1] is not None


def test_every_text_that_training_did_not_have_becomes_the_same_one(seen, rows):
    codes = np.array([[len(column.values) for column in seen.columns if column.kind == "text"]], np.int64)
    [(_, built)] = rows.parts(numbers_of(FRAME)[:1], rows.texts(codes))
    assert built["text"][0] == built["plain"][0] == UNSEEN
    # A column of pandas categories has no others.
    assert pd.isna(built["kind"][0])


def test_a_value_that_a_type_does_not_have_changes_the_type_for_its_own_row_alone(seen, rows):
    numbers, codes = numbers_of(FRAME), codes_of(seen, FRAME)
    numbers[1, NUMBERS.index("whole")] = 2.5
    numbers[2, NUMBERS.index("small")] = 256.0
    built = {tuple(np.arange(3)[chosen]): table for chosen, table in rows.parts(numbers, rows.texts(codes))}
    assert sorted(built) == [(0,), (1,), (2,)]
    assert built[0,].dtypes.equals(FRAME.dtypes)
    assert built[1,]["whole"].tolist() == [2.5]
    assert built[2,]["small"].tolist() == [256.0]
    assert built[2,]["whole"].dtype == np.int64


def test_an_array_comes_back_in_its_type():
    array = np.array([[1, 2], [3, 4]], np.int32)
    seen, fields = seen_of(array)
    assert [field.name for field in fields] == ["x0", "x1"]
    [(_, built)] = Rows(msgspec.to_builtins(seen)).parts(array.astype(np.float64), [])
    assert built.dtype == np.int32
    assert built.tolist() == array.tolist()


def test_fields_say_type_range_and_whether_a_value_may_be_missing():
    fields = {field.name: field for field in seen_of(FRAME)[1]}
    told = {name: (field.dtype, field.nullable) for name, field in fields.items()}
    assert told == {
        "float": ("float64", True),
        "single": ("float64", False),
        "whole": ("int64", False),
        "small": ("int64", False),
        "flag": ("bool", False),
        "maybe": ("int64", True),
        "maybe_flag": ("bool", True),
        "text": ("string", True),
        "other": ("string", True),
        "plain": ("string", True),
        "absent": ("string", True),
        "kind": ("string", True),
        "level": ("int64", False),
    }
    assert (fields["whole"].minimum, fields["whole"].maximum, fields["whole"].example) == (1.0, 3.0, 1)
    assert fields["kind"].categories == ("u", "v")


@pytest.mark.parametrize(
    ("sample", "sentence"),
    [
        (pd.DataFrame({"when": pd.to_datetime(["2026-01-01"])}), "column 'when' holds Timestamp"),
        (pd.DataFrame({"mixed": ["a", 1]}), "column 'mixed' holds int, str"),
        (pd.DataFrame({"wave": [1j]}), "column 'wave' holds complex128"),
        (np.array(["a"]), "the sample is of the shape"),
        (np.zeros(3), "the sample is of the shape"),
    ],
)
def test_a_column_that_cannot_be_handed_over_is_refused_by_name(sample, sentence):
    with pytest.raises(NotConvertibleError, match=sentence):
        seen_of(sample)
