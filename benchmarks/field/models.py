"""The models of the comparison: fitted here, written as every server wants them, with questions and right answers."""

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import golive
from golive.control.home import Home
from golive.store.bundles import BundleStore

QUESTIONS = 16
BATCH = 32
WIDE, LAYERS, HEAVY_LAYERS = 32, (1152, 1152), (4608, 4608)
TREES = 400
COST_RUNS = 100


@dataclass(frozen=True)
class Made:
    """A model on disk: ``model.joblib``, ``model.onnx`` and golive's state in one folder."""

    folder: Path
    rows: np.ndarray
    """float64 ``[16, fields]``: what is asked, one row a request."""
    expected: np.ndarray
    """float64 ``[16, classes]``: what the fitted model answers."""
    cost_us: dict[str, float]
    """Microseconds of the graph alone on one thread, by rows: what no server can be faster than."""


def make_iris(folder: Path) -> Made:
    """A scaler and a logistic regression over four numbers."""
    data = load_iris()
    return _make(make_pipeline(StandardScaler(), LogisticRegression()), data.data, data.target, folder)


def make_mlp(folder: Path, layers: tuple[int, ...] = LAYERS) -> Made:
    """A network that one row keeps busy for about 0.7 ms, and 32 rows for little longer; its weights hardly matter."""
    random = np.random.default_rng(7)
    rows = random.normal(size=(400, WIDE))
    target = (rows[:, :4].sum(axis=1) > 0).astype(int) + (rows[:, 4] > 1)
    network = MLPClassifier(layers, max_iter=2, random_state=0)
    return _make(make_pipeline(StandardScaler(), network), rows, target, folder)


def make_heavy_mlp(folder: Path) -> Made:
    """A network of which each further row takes about a millisecond."""
    return make_mlp(folder, HEAVY_LAYERS)


def make_trees(folder: Path) -> Made:
    """Four hundred boosted trees over thirty numbers."""
    data = load_breast_cancer()
    trees = lightgbm.LGBMClassifier(n_estimators=TREES, num_leaves=31, n_jobs=1, verbose=-1, random_state=0)
    return _make(trees, data.data, data.target, folder)


def _make(model: Any, rows: np.ndarray, target: np.ndarray, folder: Path) -> Made:
    folder.mkdir(parents=True)
    names = [f"x{number}" for number in range(rows.shape[1])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Fitted on a plain array, so that no peer need warn about missing column names.
        model.fit(rows, target)
    joblib.dump(model, folder / "model.joblib")
    golive.package(model, sample=pd.DataFrame(rows, columns=names), target=target, name="model", home=str(folder))
    store = BundleStore(Home(folder).store)
    bundle = store.list()[0]
    (folder / "model.onnx").write_bytes(store.files(bundle)[bundle.manifest.graph])
    asked = rows[:: len(rows) // QUESTIONS][:QUESTIONS]
    return Made(folder, asked, model.predict_proba(asked), _cost(folder / "model.onnx", rows))


def _cost(graph: Path, rows: np.ndarray) -> dict[str, float]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def one(count: int) -> float:
        part, took = np.ascontiguousarray(rows[:count]), []
        for _ in range(COST_RUNS):
            began = time.perf_counter()
            session.run(None, {name: part})
            took.append(time.perf_counter() - began)
        return round(float(np.median(took)) * 1e6, 1)

    return {str(count): one(count) for count in (1, BATCH)}
