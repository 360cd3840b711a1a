"""The kit for formats of model files, on the formats that golive ships and on ones that break a promise."""

import json

import joblib
import numpy as np
import pytest
import yaml
from sklearn.linear_model import LinearRegression
from tensor_models import mlp

from golive import plugins
from golive.errors import DataError
from golive.packaging.onnx_file import OnnxFile
from golive.ports import CodeFile
from golive.testing import check_format

ROWS = np.random.default_rng(0).normal(size=(60, 3))
HEAVY = {"torch", "keras", "tensorflow", "catboost"}
"""Their files are written by libraries that are in the heavy tests only."""


def onnx(folder):
    (folder / "model.onnx").write_bytes(mlp())
    return folder / "model.onnx"


def pickled(folder):
    joblib.dump(LinearRegression().fit(ROWS, ROWS[:, 0]), folder / "model.joblib")
    return folder / "model.joblib"


def logged(folder):
    inside = folder / "artifacts"
    inside.mkdir()
    joblib.dump(LinearRegression().fit(ROWS, ROWS[:, 0]), inside / "model.pkl")
    told = {"flavors": {"sklearn": {"pickled_model": "model.pkl", "sklearn_version": "1.7.2"}}}
    (inside / "MLmodel").write_text(yaml.safe_dump(told))
    return inside


def lights(folder):
    library = pytest.importorskip("lightgbm", reason="lightgbm is not installed (pip install 'golive[gbdt]')")
    library.train({"verbosity": -1}, library.Dataset(ROWS, ROWS[:, 0]), 3).save_model(folder / "model.txt")
    return folder / "model.txt"


def extreme(folder):
    library = pytest.importorskip("xgboost", reason="xgboost is not installed (pip install 'golive[gbdt]')")
    library.XGBRegressor(n_estimators=3, n_jobs=1).fit(ROWS, ROWS[:, 0]).save_model(folder / "model.json")
    return folder / "model.json"


def saved(folder):
    library = pytest.importorskip("skops.io", reason="skops is not installed (pip install 'golive[skops]')")
    library.dump(LinearRegression().fit(ROWS, ROWS[:, 0]), folder / "model.skops")
    return folder / "model.skops"


WRITERS = {"onnx": onnx, "joblib": pickled, "mlflow": logged, "lightgbm": lights, "xgboost": extreme, "skops": saved}

SLOW = {"lightgbm", "xgboost", "skops"}
"""Each file of these is read by a process that imports its library first."""


def test_every_format_is_tried_here_or_in_the_heavy_tests():
    assert set(plugins.names("formats")) == set(WRITERS) | HEAVY


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.heavy] if name in SLOW else []) for name in WRITERS]
)
def test_every_shipped_format_keeps_its_promises(name, tmp_path):
    sample = WRITERS[name](tmp_path)
    check_format(plugins.load("formats", name), sample)


def test_what_was_read_is_given(tmp_path):
    assert isinstance(check_format(plugins.load("formats", "onnx"), onnx(tmp_path)), OnnxFile)
    assert isinstance(check_format(plugins.load("formats", "joblib"), pickled(tmp_path)), CodeFile)


class Lines:
    """A format that keeps its promises: a list in JSON."""

    name = "lines"

    def recognizes(self, path):
        return path.is_file() and path.suffix == ".lines"

    def read(self, path):
        try:
            return json.loads(path.read_bytes())
        except ValueError as error:
            message = f"{path} is no list; write it again"
            raise DataError(message) from error


class TakesAll(Lines):
    def recognizes(self, path):
        return True


class Nameless(Lines):
    def read(self, path):
        try:
            return super().read(path)
        except DataError as error:
            message = "it is no list"
            raise DataError(message) from error


class Lenient(Lines):
    def read(self, path):
        return path.read_bytes()


class Writes(Lines):
    def read(self, path):
        path.with_suffix(".seen").touch()
        return super().read(path)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (TakesAll, "recognizes nothing else"),
        (Nameless, "names the file"),
        (Lenient, "half a file, is a DataError"),
        (Writes, "changes nothing beside"),
    ],
)
def test_a_format_that_breaks_a_promise_is_found(broken, promise, tmp_path):
    sample = tmp_path / "some.lines"
    sample.write_text("[1, 2, 3]")
    check_format(Lines(), sample)
    with pytest.raises(AssertionError, match=promise):
        check_format(broken(), sample)
