"""A row gets the same bits alone, among others, in any order, offline and as bytes from a client, whatever prepares it."""

import datetime as dt

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer, StandardScaler
from sklearn.svm import SVR

from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.client.contract import Contract, ModelMetadata, TensorSpec
from golive.client.encode import encoded
from golive.client.exchange import Reply
from golive.client.prediction import prediction_of
from golive.client.table import table_of
from golive.control.predict.answers import Answering
from golive.domain.preparation import Bound, Combine, DateParts, Normalize, Recode, TextCounts
from golive.domain.serving import Placed
from golive.domain.signature import Field
from golive.inference.road import open_road
from golive.packaging.build import assemble
from golive.packaging.finish import Finish, finished
from golive.ports import Rows
from golive.serving.answer import Ask
from golive.serving.codecs.codec import prediction_writer
from golive.serving.codecs.instances import InstancesCodec
from golive.serving.codecs.tensors import TensorsCodec, input_tensors

PLACED = Placed("m", 1, "sha256:" + "0" * 64)
NUMBERS = ("a", "b", "c")
CITIES = ("rome", "paris", "oslo")
WORDS = ("good", "bad", "so", "very", "not")
STEPS = (
    Normalize("city"),
    Recode("b", (-999.0,)),
    Bound("a", -3.0, 3.0, "clip"),
    DateParts("day", ("year", "weekday", "days")),
    TextCounts("note"),
    Combine("ab", "product", ("a", "b")),
    Combine("la", "log1p", ("note_chars",)),
)
PREPARED = ("a", "b", "day_year", "day_weekday", "day_days", "note_chars", "note_words", "ab", "la")
finite = st.floats(-50, 50) | st.sampled_from([0.0, -0.0, 5e-324, 1e-300, 3.0, -999.0])


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(240, 3)), columns=list(NUMBERS))
    return frame, frame["a"] + frame["b"] * frame["c"]


def opened(model, frame, *, steps=(), inputs=(), finish=None):
    converted = SklearnFramework().convert(model, frame, target="y")
    converted = finished(converted, finish) if finish else converted
    return open_road(assemble("m", converted, steps=steps, inputs=inputs), converted.graph, OnnxRuntime())


def linear(frame, answer):
    return opened(LinearRegression().fit(frame, answer), frame)


def exponential(frame, answer):
    return opened(make_pipeline(StandardScaler(), PoissonRegressor()).fit(frame, np.exp(answer)), frame)


def two_classes(frame, answer):
    finish = Finish(threshold=0.3, labels={False: "low", True: "high"}, top_k=2)
    return opened(LogisticRegression().fit(frame, answer > 0), frame, finish=finish)


def three_classes(frame, answer):
    return opened(GaussianNB().fit(frame, pd.qcut(answer, 3, labels=False)), frame, finish=Finish(top_k=2))


def kernel(frame, answer):
    return opened(SVR().fit(frame, answer), frame)


def power_of_target(frame, answer):
    power = PowerTransformer().fit(np.exp(answer.to_numpy())[:, None])
    model = LinearRegression().fit(frame, power.transform(np.exp(answer.to_numpy())[:, None])[:, 0])
    return opened(model, frame, finish=Finish(target_transform=power, unit="EUR"))


def texts(frame, answer):
    rng = np.random.default_rng(1)
    words = [" ".join(rng.choice(WORDS, 4)) for _ in answer]
    frame = frame.assign(note=words, city=rng.choice(CITIES, len(answer)))[["note", "city", "a"]]
    columns = ColumnTransformer(
        [
            ("text", TfidfVectorizer(ngram_range=(1, 2)), "note"),
            ("city", OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ],
        remainder="passthrough",
    )
    return opened(make_pipeline(columns, LogisticRegression()).fit(frame, answer > 0), frame)


def declared_steps(frame, answer):
    rng = np.random.default_rng(2)
    made = pd.DataFrame(rng.normal(size=(len(answer), len(PREPARED))), columns=list(PREPARED))
    made["city"] = rng.choice(CITIES, len(answer))
    encoded_cities = ColumnTransformer(
        [("city", OneHotEncoder(handle_unknown="ignore"), ["city"])], remainder=_filled()
    )
    inputs = (
        Field(name="a", dtype="float64", nullable=True),
        Field(name="b", dtype="int64", nullable=True),
        Field(name="city", dtype="string", nullable=True),
        Field(name="day", dtype="string", nullable=True, format="date"),
        Field(name="note", dtype="string", nullable=True),
    )
    made.iloc[::7, :9] = np.nan
    model = make_pipeline(encoded_cities, LogisticRegression()).fit(made, answer > 0)
    return opened(model, made, steps=STEPS, inputs=inputs)


def _filled():
    return make_pipeline(SimpleImputer(), StandardScaler())


KINDS = (linear, exponential, two_classes, three_classes, kernel, power_of_target, texts, declared_steps)
VALUES = {
    "city": st.text(max_size=3) | st.sampled_from([*CITIES, " ROME ", "Zürich", ""]),
    "day": st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)).map(str),
    "note": st.lists(st.sampled_from([*WORDS, "GOOD", "ünï", "\u3000"]), max_size=6).map(" ".join),
}


def bits(values):
    """What values are to the last bit; labels as they are. Not a number has many bit patterns, and JSON writes null."""
    listed = np.asarray(values).tolist()
    if any(isinstance(value, (str, bool)) for value in listed):
        return listed
    numbers = np.array(listed, dtype=np.float64).ravel()
    return np.where(np.isnan(numbers), np.nan, numbers).tobytes()


def rows_of(signature):
    """A strategy for rows that the signature takes."""
    fields = []
    for field in signature.inputs:
        kind = {"float64": finite, "int64": st.integers(-999, 999)}.get(field.dtype)
        kind = VALUES[field.name] if kind is None else kind
        fields.append(st.none() | kind if field.nullable else kind)
    return st.lists(st.tuples(*fields), min_size=1, max_size=23)


def offline(road, rows, size):
    """The prediction, the probabilities and the ranking of each row, by way of record batches of ``size`` rows."""
    kinds = {"float64": pa.float64(), "int64": pa.int64(), "string": pa.string()}
    found = []
    answering = Answering(road, pa.schema([("row", pa.int64())]), probabilities=True, skip=False)
    for at in range(0, len(rows), size):
        part = rows[at : at + size]
        columns = {
            field.name: pa.array([row[place] for row in part], kinds[field.dtype], from_pandas=False)
            for place, field in enumerate(road.signature.inputs)
        }
        kept = pa.RecordBatch.from_arrays([pa.array(range(len(part)), pa.int64())], ["row"])
        batch, refused = answering.answer(Rows(inputs=columns, kept=kept, seen=len(part)))
        assert not refused
        found += [tuple(row.values())[1:] for row in batch.to_pylist()]
    return found


def asked(road, rows, *, binary):
    """What a client makes of the answer to one request with all rows."""
    signature = road.signature
    codec = TensorsCodec(PLACED, signature, road.labels)
    specs = [TensorSpec(one["name"], one["datatype"], tuple(one["shape"])) for one in input_tensors(signature)]
    contract = Contract(
        metadata=ModelMetadata(name="m", platform="golive_onnx", inputs=tuple(specs)), versions=frozenset()
    )
    table = table_of([dict(zip(signature.names, row, strict=True)) for row in rows])
    request = encoded(table, contract, binary=binary)
    headers = {name.encode(): value.encode() for name, value in request.headers.items()}
    sent, form = codec.decode(request.body, Ask("r", headers=headers))
    front = road.front
    tensors = front.rows(sent) if isinstance(sent, list) else front.columns(sent.values, sent.matrix)
    head, body = codec.encode(road.session.run(*tensors), form, Ask("r"))
    told = dict(line.split(": ", 1) for line in head.decode().splitlines())
    return prediction_of(Reply(status=200, headers=told, body=body), model="m", request_id="r")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_one_row_many_rows_offline_rows_and_a_client_s_rows_get_the_same_bits(table, kind):
    road = kind(*table)
    signature = road.signature
    instances = InstancesCodec(signature, prediction_writer(PLACED, signature, road.labels))

    @settings(max_examples=25, deadline=None)
    @given(rows=rows_of(signature), seed=st.integers(0, 99), size=st.integers(1, 24))
    def alike(rows, seed, size):
        alone = np.concatenate([road.rows([row]) for row in rows])
        order = np.random.default_rng(seed).permutation(len(rows))
        assert bits(road.rows(rows)) == bits(alone)
        assert bits(road.rows([rows[place] for place in order])) == bits(alone[order])
        parts = [road.rows(rows[at : at + size]) for at in range(0, len(rows), size)]
        assert bits(np.concatenate(parts)) == bits(alone)
        columns = dict(zip(signature.names, map(list, zip(*rows, strict=True)), strict=True))
        assert bits(road.columns(columns)) == bits(alone)

        labels, shares = road.labels(alone), alone if signature.classes else alone[:, :0]
        found = offline(road, rows, size)
        width = 1 + shares.shape[1]
        assert bits([row[0] for row in found]) == bits(labels)
        assert bits([row[1:width] for row in found]) == bits(shares)
        for binary in (True, False):
            prediction = asked(road, rows, binary=binary)
            assert bits(prediction.values) == bits(labels)
            assert not signature.classes or bits(prediction.probabilities) == bits(alone)
            if signature.top_k:
                assert [tuple(value for pair in row for value in pair) for row in prediction.top] == [
                    row[width:] for row in found
                ]
        answer = orjson.loads(instances.encode(alone, b"predictions", Ask("r"))[1])
        assert bits(answer["predictions"]) == bits(labels)
        if signature.top_k:
            best = [[(one["label"], one["probability"]) for one in row] for row in answer["top"]]
            assert best == prediction.top

    alike()
