"""One row, many rows and offline rows: the same bits, and the same rows refused."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from offline import INPUTS, PREPARATION

from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.control.predict.answers import Answering
from golive.domain.bundle import Manifest
from golive.domain.preparation import Bound, DateParts, Normalize, Preparation, Vocabulary
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError
from golive.inference.road import open_road
from golive.ports import Rows

FIELDS = (*INPUTS, Field(name="garden", dtype="bool", nullable=True), Field(name="sold", dtype="string", nullable=True))
STEPS = Preparation(
    steps=(Normalize("city"), Bound("rooms", 0.0, 50.0, "refuse"), DateParts("sold", ("year",))),
    numbers=("area", "rooms", "garden", "sold_year"),
    categories=(Vocabulary("city", ("rome", "paris")),),
)
NUMBERS = st.none() | st.floats() | st.sampled_from([0.0, -0.0, 5e-324, 1.7e308, math.nan, math.inf])
ROWS = st.lists(
    st.tuples(
        NUMBERS,
        st.none() | st.integers(-2, 60) | st.integers(2**53, 2**62),
        st.none() | st.text(max_size=4) | st.sampled_from(["rome", " ROME", "paris"]),
        st.none() | st.booleans(),
        st.none() | st.dates().map(str) | st.sampled_from(["2024-02-30", "2024-02-29T10:00:00"]),
    ),
    min_size=1,
    max_size=40,
)
TYPES = (pa.float64(), pa.int64(), pa.string(), pa.bool_(), pa.string())


@pytest.fixture
def road(linear_graph):
    signature = Signature(inputs=FIELDS, task="regression", target="price")
    manifest = Manifest(name="price", signature=signature, preparation=STEPS)
    return open_road(manifest, linear_graph([0.1, 0.7, -3.0, 1e-3], 1.0, tables=[[3.0, 5.0, -1.0, 0.5]]), OnnxRuntime())


def pieces(rows, *, encoded: bool, offset: int):
    """The rows as Arrow arrays that begin inside their buffers, texts as they are or dictionary-encoded."""
    columns = {}
    for field, kind, values in zip(FIELDS, TYPES, zip(*rows, strict=True), strict=True):
        array = pa.array([None] * offset + list(values), kind, from_pandas=False).slice(offset)
        columns[field.name] = array.dictionary_encode() if encoded and kind == pa.string() else array
    kept = pa.RecordBatch.from_arrays([pa.array(range(len(rows)), pa.int64())], ["row"])
    return Rows(inputs=columns, kept=kept, seen=len(rows))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, encoded=st.booleans(), offset=st.integers(0, 9))
def test_offline_rows_answer_as_each_does_alone(road, rows, encoded, offset):
    expected, refused = {}, {}
    for index, row in enumerate(rows):
        try:
            expected[index] = road.rows([row])[0, 0]
        except InvalidRowError as error:
            refused[index] = error.message
    answering = Answering(road, pa.schema([("row", pa.int64())]), probabilities=True, skip=True)
    batch, told = answering.answer(pieces(rows, encoded=encoded, offset=offset))
    assert {one.position: one.reason for one in told} == refused
    assert batch.column(0).to_pylist() == list(expected)
    found = np.array(batch.column(1).to_pylist(), dtype=np.float64)
    assert found.tobytes() == np.array(list(expected.values()), dtype=np.float64).tobytes()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_the_first_row_that_has_no_answer_is_the_one_told(road, rows):
    bad = []
    for index, row in enumerate(rows):
        try:
            road.rows([row])
        except InvalidRowError as error:
            bad.append((index, error.message))
    answering = Answering(road, pa.schema([("row", pa.int64())]), probabilities=True, skip=False)
    _, told = answering.answer(pieces(rows, encoded=False, offset=0))
    assert [(one.position, one.reason) for one in told] == bad[:1]


@pytest.mark.parametrize(
    "kind",
    [pa.float32(), pa.int32(), pa.uint8(), pa.decimal128(25, 2), pa.float64(), pa.int64()],
    ids=str,
)
def test_every_kind_of_arrow_number_is_read(linear_graph, kind):
    signature = Signature(inputs=(Field(name="a", dtype="float64"),), task="regression", target="y")
    manifest = Manifest(name="sum", signature=signature, preparation=Preparation(numbers=("a",)))
    road = open_road(manifest, linear_graph([2.0], 1.0), OnnxRuntime())
    column = pa.array([1, 2, 40]).cast(kind)
    rows = Rows(inputs={"a": column}, kept=pa.record_batch({"id": [1, 2, 3]}), seen=3)
    answering = Answering(road, rows.kept.schema, probabilities=True, skip=False)
    batch, told = answering.answer(rows)
    assert (batch.column("prediction").to_pylist(), told) == ([3.0, 5.0, 81.0], [])


def test_dates_and_times_become_their_iso_texts(linear_graph):
    signature = Signature(inputs=(Field(name="day", dtype="string"),), task="regression", target="y")
    steps = Preparation(steps=(DateParts("day", ("year", "hour")),), numbers=("day_year", "day_hour"))
    road = open_road(
        Manifest(name="years", signature=signature, preparation=steps), linear_graph([1.0, 0.01]), OnnxRuntime()
    )
    for kind in (pa.timestamp("ns"), pa.timestamp("ms"), pa.date32()):
        column = pa.array(["2024-02-29", "1969-12-31"]).cast(pa.timestamp("s")).cast(kind)
        rows = Rows(inputs={"day": column}, kept=pa.record_batch({"id": [1, 2]}), seen=2)
        batch, _ = Answering(road, rows.kept.schema, probabilities=True, skip=False).answer(rows)
        assert batch.column("prediction").to_pylist() == [2024.0, 1969.0]


def test_labels_keep_the_type_that_the_classes_had(linear_graph):
    signature = Signature(inputs=INPUTS, task="classification", target="sold", classes=("0", "1"), class_dtype="int64")
    manifest = Manifest(name="sold", signature=signature, preparation=PREPARATION)
    graph = linear_graph([0.1, 0.0], -10.0, tables=[[0.0, 0.0, 0.0, 0.0]], sigmoid=True)
    road = open_road(manifest, graph, OnnxRuntime())
    inputs = {"area": pa.array([1.0, 200.0, 50.0]), "rooms": pa.array([1, 1, 1]), "city": pa.nulls(3, pa.string())}
    rows = Rows(inputs=inputs, kept=pa.record_batch({"id": [1, 2, 3]}), seen=3)
    batch, _ = Answering(road, rows.kept.schema, probabilities=False, skip=False).answer(rows)
    assert batch.schema.field("prediction").type == pa.int64()
    assert batch.column("prediction").to_pylist() == [0, 1, 0]
