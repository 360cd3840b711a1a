"""The conformance kits that plug-in authors get, on every plug-in that golive ships, and on ones that break a promise."""

import sqlite3
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from golive import plugins, testing
from golive.domain.bundle import Bundle
from golive.inference.road import open_road
from golive.inference.table import columns_of
from golive.packaging.build import assemble, pack
from golive.packaging.profile import profile
from golive.store.bundles import BundleStore


def write_lines(table, path):
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in table.to_pylist()))


def write_database(table, path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE kept (a INTEGER, b TEXT)")
        connection.executemany("INSERT INTO kept VALUES (:a, :b)", table.to_pylist())
    connection.close()


WRITERS = {
    "csv": pa.csv.write_csv,
    "jsonl": write_lines,
    "parquet": pa.parquet.write_table,
    "sql": write_database,
}


@pytest.fixture(scope="module")
def flowers():
    return load_iris(return_X_y=True, as_frame=True)


@pytest.fixture(scope="module")
def converted(flowers):
    rows, species = flowers
    model = LogisticRegression(max_iter=1000).fit(rows, species)
    return model, plugins.load("frameworks", "sklearn").convert(model, rows, target="species")


@pytest.fixture(scope="module")
def kept(flowers, converted, tmp_path_factory) -> tuple[Bundle, dict[str, bytes]]:
    rows, _ = flowers
    manifest = assemble("iris", converted[1])
    columns = columns_of(manifest.signature, {name: rows[name].to_numpy() for name in rows.columns})
    road = open_road(manifest, converted[1].graph, plugins.load("runtimes", "onnxruntime"))
    files = pack(manifest, converted[1].graph, profile(manifest.signature, columns, road.columns(columns)))
    store = BundleStore(tmp_path_factory.mktemp("store"))
    bundle = store.write(manifest, files, created_at="2026-01-01T00:00:00Z")
    return bundle, dict(store.files(bundle))


@pytest.mark.parametrize("name", plugins.names("tables"))
def test_every_table_format_keeps_its_promises(name, tmp_path):
    table_format = plugins.load("tables", name)
    path = tmp_path / f"table{table_format.suffixes[0]}"
    WRITERS[name](pa.table({"a": [1, 2, None], "b": ["x", None, "z"]}), path)
    testing.check_table(table_format, path)


def models(flowers):
    rows, species = flowers
    mixed = rows.assign(color=np.where(rows["petal width (cm)"] > 1, "dark", "light"))
    encoded = ColumnTransformer(
        [("color", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["color"])], remainder="passthrough"
    )
    yield LinearRegression().fit(rows, species), rows
    yield RandomForestClassifier(5, random_state=0).fit(rows, species), rows
    yield make_pipeline(encoded, StandardScaler(), LogisticRegression()).fit(mixed, species), mixed


def light_models(flowers):
    lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed; the extra golive[gbdt] brings it")
    rows, species = flowers
    options = {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1}
    yield lightgbm.train(options, lightgbm.Dataset(rows, species), 5), rows


def extreme_models(flowers):
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed; the extra golive[gbdt] brings it")
    rows, species = flowers
    options = {"objective": "multi:softprob", "num_class": 3, "nthread": 1}
    yield xgboost.train(options, xgboost.DMatrix(rows, species), 5), rows


MODELS = {"sklearn": models, "lightgbm": light_models, "xgboost": extreme_models}
"""Frameworks of heavy libraries, and those that read files, are asked to keep their promises where they are tested."""


@pytest.mark.parametrize("name", MODELS)
def test_every_framework_keeps_its_promises(name, flowers):
    for model, sample in MODELS[name](flowers):
        testing.check_framework(
            plugins.load("frameworks", name), model, sample, plugins.load("runtimes", "onnxruntime")
        )


@pytest.mark.parametrize("name", ["onnxruntime"])
def test_every_runtime_keeps_its_promises(name, flowers, converted):
    rows, _ = flowers
    model, made = converted
    numbers = rows.to_numpy()[::10]
    testing.check_runtime(plugins.load("runtimes", name), made.graph, numbers, model.predict_proba(rows[::10]))


@pytest.mark.parametrize("name", plugins.names("searches"))
def test_every_search_keeps_its_promises(name):
    testing.check_search(plugins.load("searches", name))


FROM_THE_NETWORK = {"browser", "torch", "savedmodel", "tflite"}
"""Exports that fetch a part, or need a heavy library, are asked to keep their promises in the heavy tests."""


@pytest.mark.parametrize("name", sorted({*plugins.names("exports")} - FROM_THE_NETWORK))
def test_every_export_keeps_its_promises(name, kept):
    bundle, files = kept
    assert testing.check_export(plugins.load("exports", name), bundle, files)


class Broken:
    """A plug-in with one fault, for each port."""

    suffixes = (".csv",)
    name = "broken"

    def read(self, path, options):
        del path, options
        yield pa.record_batch({"a": [1]})

    def recognizes(self, model):
        del model
        return True

    def run(self, space, *, trials, seed, attempt):
        del trials, seed
        return tuple(attempt([{name: choices[0] for name, choices in space.items()}] * 9))

    def write(self, bundle, files, folder: Path, options):
        del bundle, files, options
        path = folder.parent / "elsewhere"
        path.write_text("outside")
        return (path,)

    def open(self, graph, *, threads):
        del graph, threads
        return self.Session()

    class Session:
        def run(self, numbers, codes):
            del codes
            return numbers.sum(axis=1, keepdims=True) / len(numbers)


def test_a_plug_in_that_breaks_a_promise_is_told_which(kept, tmp_path):
    numbers = np.arange(6.0).reshape(3, 2)
    refusals = {
        "a missing or empty file is a DataError": lambda: testing.check_table(Broken(), tmp_path / "a.csv"),
        "it recognizes nothing else": lambda: testing.check_framework(Broken(), 1, pd.DataFrame(), Broken()),
        "it keeps to the number of trials": lambda: testing.check_search(Broken()),
        "inside the folder": lambda: testing.check_export(Broken(), *kept),
        "a row answers alike alone and among others": lambda: testing.check_runtime(
            Broken(), b"", numbers, numbers.sum(axis=1, keepdims=True) / 3
        ),
    }
    for promise, check in refusals.items():
        with pytest.raises(AssertionError, match=promise):
            check()
