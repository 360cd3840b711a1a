"""Files that a person or another process wrote: read whole, or refused with one sentence."""

from pathlib import Path

import numpy as np
from fuzzing import fuzzed, mutated
from hypothesis import example, given
from hypothesis import strategies as st

from golive.control.project.read import project_of
from golive.domain.record import Records, Texts
from golive.domain.record_frame import frame_of, records_of
from golive.errors import DataError, GoliveError

PROJECT = b"""name: homes
data: {file: homes.csv}
target: price
task: regression
candidates: [{model: linear}, {model: random_forest, n_estimators: 10}]
validation: {folds: 2}
gate: {rules: ["(rmse - baseline.rmse).upper <= 0"]}
serving: {port: 0, workers: 1, memory_mb: 100}
"""


@fuzzed(250)
@given(content=mutated((PROJECT,)))
@example(content=b"a: &a [*a]\n")
@example(content=b"name: !!python/object/apply:os.system ['true']\n")
@example(content=b"{a: &a [x,x,x], b: &b [*a,*a,*a], c: &c [*b,*b,*b], d: [*c,*c,*c]}")
@example(content=b"2001-01-01: 1\n? [1]\n: 2\n")
def test_project_files(content):
    try:
        project_of(content, folder=Path("/nowhere"))
    except GoliveError:
        return


def frame() -> bytes:
    texts = Texts(np.array([1, -1, 2], dtype=np.int32), b"abc")
    made = Records(
        name="homes",
        version=1,
        at_ns=np.arange(3),
        duration_us=np.ones(3),
        ids=texts,
        inputs=(np.ones(3), texts, None, np.arange(3)),
        outputs=np.ones((2, 3)),
    )
    return frame_of(made)


@fuzzed(600)
@given(content=mutated((frame(),)))
def test_frames_of_records(content):
    try:
        records = records_of(content)
    except DataError:
        return
    assert records.outputs.shape[1] == len(records) == len(records.at_ns)
    for values in (records.ids, *records.inputs):
        if isinstance(values, Texts):
            assert int(np.maximum(values.lengths, 0).sum()) == len(values.utf8)


@fuzzed(100)
@given(content=st.binary(max_size=60))
def test_any_bytes_as_a_frame(content):
    try:
        records_of(content)
    except DataError:
        return
