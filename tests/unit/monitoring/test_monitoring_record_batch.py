"""A batch holds what was recorded, in the types that the signature says."""

import subprocess
import sys

import numpy as np
import pytest

from golive.domain.record import Records, Texts, texts_of
from golive.domain.signature import Field, Signature
from golive.errors import DataError
from golive.monitoring.record_batch import batch_of

CATEGORY = Signature(inputs=(Field(name="code", dtype="string"),), task="regression", target="y")
NUMBER = Signature(inputs=(Field(name="code", dtype="int64"),), task="regression", target="y")


def records(values, **changed):
    fields = {
        "name": "m",
        "version": 1,
        "ids": texts_of(["a", "b", "c"]),
        "at_ns": np.arange(3),
        "duration_us": np.zeros(3),
        "inputs": (values,),
        "outputs": np.ones((1, 3)),
    }
    return Records(**(fields | changed))


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (texts_of(["x", None, "ü"]), ["x", None, "ü"]),
        (np.array([20, 2**62 + 1, -3]), ["20", str(2**62 + 1), "-3"]),
        (np.array([20.0, np.nan, 0.5]), ["20", None, "0.5"]),
        (None, [None] * 3),
    ],
)
def test_a_category_is_a_text_whatever_callers_wrote_it_as(values, read):
    assert batch_of(records(values), CATEGORY)["code"].to_pylist() == read


@pytest.mark.parametrize(
    ("values", "read"),
    [(np.array([1, 2, 3]), [1.0, 2.0, 3.0]), (np.array([1.5, np.nan, 3.0]), [1.5, None, 3.0]), (None, [None] * 3)],
)
def test_a_number_is_float64_and_missing_is_null(values, read):
    column = batch_of(records(values), NUMBER)["code"]
    assert str(column.type) == "double"
    assert column.to_pylist() == read


def test_a_prediction_that_is_no_number_is_null():
    batch = batch_of(records(None, outputs=np.array([[1.0, np.nan, 3.0]])), NUMBER)
    assert batch["prediction"].to_pylist() == [1.0, None, 3.0]


@pytest.mark.parametrize(
    "changed",
    [
        {"inputs": ()},
        {"inputs": (None, None)},
        {"inputs": (texts_of(["1", "2", "3"]),)},
        {"outputs": np.ones((2, 3))},
        {"ids": Texts(np.array([1, 1, 1], dtype=np.int32), b"a\xffc")},
        {"version": 2**40},
    ],
)
def test_records_that_do_not_fit_the_signature_are_refused(changed):
    with pytest.raises(DataError, match=r"records of 'm' version .* do not fit its signature .*: 3$"):
        batch_of(records(None, **changed), NUMBER)


def test_writing_and_joining_loads_no_data_frames(tmp_path):
    code = """
import sys
import numpy as np
from pathlib import Path
from golive.control.running import recording
from golive.domain.record import Records, texts_of
from golive.domain.signature import Field, Signature
from golive.monitoring.records import RecordWriter, compact
signature = Signature(inputs=(Field(name="a", dtype="float64"), Field(name="b", dtype="string")), task="regression", target="y")
writer = RecordWriter(Path(sys.argv[1]), {"m": signature})
for day in range(2):
    inputs = (np.array([1.0, np.nan]), texts_of(["x", None]))
    at = np.array([0, 86_400 * 10**9])
    writer.append(Records(name="m", version=1, ids=texts_of(["a", "b"]), at_ns=at, duration_us=np.ones(2), inputs=inputs, outputs=np.ones((1, 2))))
    writer.flush()
assert compact(Path(sys.argv[1]), before="1970-01-09") == 4
print("pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "False", done.stderr
