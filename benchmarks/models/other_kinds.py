"""Boosting libraries, networks, and files of every kind."""

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import skl2onnx
import xgboost
import yaml
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.models import network_kinds
from benchmarks.models.data import Table
from benchmarks.models.fitting import fitted
from benchmarks.models.pipelines import columns
from benchmarks.models.trial import Kind, Made, Make, kind

TREES = 50


def kinds() -> list[Kind]:
    """Give those whose libraries are installed, grouped by framework."""
    found = [*_lightgbm(), *_xgboost(), *_onnx(), *_files()]
    if find_spec("catboost"):
        found += _catboost()
    if find_spec("torch"):
        found += network_kinds.torch_kinds()
    if find_spec("torch") and find_spec("keras"):
        found += network_kinds.keras_kinds()
    return found


def absent() -> list[str]:
    """Name the libraries that are not installed, so that their kinds are not tried."""
    return [name for name in ("catboost", "torch", "keras", "skops") if find_spec(name) is None]


def _labels(shares: Any, labels: Any) -> Any:
    """Give the label of the highest probability; a single column is that of the second label."""
    shares = np.asarray(shares)
    best = (shares > 0.5).astype(int) if shares.ndim == 1 else shares.argmax(axis=1)
    return np.asarray(labels)[best]


def _lightgbm() -> list[Kind]:
    how = {"n_estimators": TREES, "verbosity": -1, "num_threads": 1}

    def categories(given: Table, _: Path) -> Made:
        texts = given.rows.select_dtypes(object).columns
        types = {name: pd.CategoricalDtype(sorted(given.rows[name].dropna().unique())) for name in texts}
        model = lightgbm.LGBMClassifier(**how).fit(given.rows.astype(types), given.answers)
        booster = model.booster_
        codes = np.asarray(given.answers == model.classes_[1], np.int64)
        return Made(
            model=booster, answers=codes, predict=lambda rows: _labels(booster.predict(rows.astype(types)), [0, 1])
        )

    def booster(given: Table, _: Path) -> Made:
        words = {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1}
        model = lightgbm.train(words, lightgbm.Dataset(given.rows, given.answers), TREES)
        return Made(model=model, predict=lambda rows: _labels(model.predict(rows), [0, 1, 2]))

    def file(given: Table, folder: Path) -> Made:
        words = {"objective": "binary", "verbosity": -1, "num_threads": 1}
        model = lightgbm.train(words, lightgbm.Dataset(given.rows, given.answers), TREES)
        model.save_model(folder / "model.txt")
        return Made(path=folder / "model.txt", predict=lambda rows: _labels(model.predict(rows), [0, 1]))

    return [
        kind("LightGBM", "LGBMClassifier", "breast cancer", fitted(lambda: lightgbm.LGBMClassifier(**how))),
        kind("LightGBM", "LGBMRegressor", "diabetes", fitted(lambda: lightgbm.LGBMRegressor(**how))),
        kind(
            "LightGBM",
            "ColumnTransformer (impute, one-hot), LGBMClassifier",
            "credit",
            fitted(
                lambda: make_pipeline(columns(OneHotEncoder(handle_unknown="ignore")), lightgbm.LGBMClassifier(**how))
            ),
        ),
        kind("LightGBM", "Booster, pandas categories and missing values", "credit", categories),
        kind("LightGBM", "Booster, three classes", "wine", booster),
        kind("LightGBM", "text file", "breast cancer", file),
    ]


def _xgboost() -> list[Kind]:
    how = {"n_estimators": TREES, "n_jobs": 1}

    def booster(given: Table, _: Path) -> Made:
        words = {"objective": "multi:softprob", "num_class": 3, "nthread": 1}
        model = xgboost.train(words, xgboost.DMatrix(given.rows, given.answers), TREES)
        return Made(model=model, predict=lambda rows: _labels(model.predict(xgboost.DMatrix(rows)), [0, 1, 2]))

    def file(suffix: str) -> Make:
        def made(given: Table, folder: Path) -> Made:
            model = xgboost.XGBClassifier(**how).fit(given.rows, given.answers)
            model.save_model(folder / f"model.{suffix}")
            return Made(path=folder / f"model.{suffix}", predict=model.predict)

        return made

    return [
        kind("XGBoost", "XGBClassifier", "breast cancer", fitted(lambda: xgboost.XGBClassifier(**how))),
        kind("XGBoost", "XGBClassifier, three classes", "wine", fitted(lambda: xgboost.XGBClassifier(**how))),
        kind("XGBoost", "XGBRegressor", "diabetes", fitted(lambda: xgboost.XGBRegressor(**how))),
        kind("XGBoost", "XGBRFRegressor", "diabetes", fitted(lambda: xgboost.XGBRFRegressor(**how))),
        kind("XGBoost", "XGBRegressor, gblinear", "diabetes", fitted(lambda: xgboost.XGBRegressor(booster="gblinear"))),
        kind("XGBoost", "Booster, three classes", "wine", booster),
        kind("XGBoost", ".json file", "breast cancer", file("json")),
        kind("XGBoost", ".ubj file", "breast cancer", file("ubj")),
    ]


def _catboost() -> list[Kind]:
    catboost = importlib.import_module("catboost")
    how = {"iterations": TREES, "verbose": 0, "allow_writing_files": False, "thread_count": 1}

    def plain(given: Table, _: Path) -> Made:
        model = catboost.CatBoostClassifier(**how).fit(given.rows, given.answers)
        return Made(model=model, predict=lambda rows: model.predict(rows)[:, 0])

    def categories(given: Table, folder: Path, suffix: str = "") -> Made:
        texts = list(given.rows.select_dtypes(object).columns)
        model = catboost.CatBoostClassifier(**how, cat_features=texts).fit(given.rows, given.answers)
        if not suffix:
            return Made(model=model, predict=model.predict)
        path = folder / f"model.{suffix}"
        model.save_model(str(path), format=suffix, pool=catboost.Pool(given.rows, given.answers, cat_features=texts))
        return Made(path=path, predict=model.predict)

    return [
        kind("CatBoost", "CatBoostClassifier", "wine", plain),
        kind("CatBoost", "CatBoostRegressor", "diabetes", fitted(lambda: catboost.CatBoostRegressor(**how))),
        kind("CatBoost", "CatBoostClassifier, categories", "credit, complete", categories),
        kind("CatBoost", ".cbm file", "credit, complete", lambda given, folder: categories(given, folder, "cbm")),
        kind("CatBoost", ".json file", "credit, complete", lambda given, folder: categories(given, folder, "json")),
    ]


def _onnx() -> list[Kind]:
    def asked(path: Path) -> Callable[[Any], Any]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda rows: session.run(None, {name: rows.to_numpy(np.float32)})[0]

    def of_skl2onnx(model: Any, **options: Any) -> Make:
        def made(given: Table, folder: Path) -> Made:
            fit = model().fit(given.rows.astype(np.float32), given.answers)
            shape = [("x", skl2onnx.common.data_types.FloatTensorType([None, given.rows.shape[1]]))]
            wish = {id(fit): {"zipmap": options["zipmap"]}} if options else None
            onnx.save(skl2onnx.convert_sklearn(fit, initial_types=shape, options=wish), folder / "model.onnx")
            return Made(path=folder / "model.onnx", predict=asked(folder / "model.onnx"))

        return made

    def of_torch(sample: bool) -> Make:
        def made(_: Table, folder: Path) -> Made:
            torch = importlib.import_module("torch")
            torch.manual_seed(0)
            module = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
            module = torch.nn.Sequential(module, torch.nn.Softmax(1)).eval()
            program = torch.onnx.export(
                module,
                (torch.zeros(3, 64),),
                dynamo=True,
                verbose=False,
                dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            )
            program.save(folder / "net.onnx")
            own = asked(folder / "net.onnx")
            return Made(path=folder / "net.onnx", predict=lambda rows: own(rows).argmax(1), sample=sample)

        return made

    def of_ort(_: Table, folder: Path) -> Made:
        source = Path(onnxruntime.__file__).parent / "datasets" / "logreg_iris.onnx"
        (folder / "logreg_iris.onnx").write_bytes(source.read_bytes())
        return Made(path=folder / "logreg_iris.onnx", predict=lambda rows: rows, sample=False)

    found = [
        kind("ONNX", "random forest by skl2onnx, labels and maps", "wine", of_skl2onnx(_forest)),
        kind("ONNX", "random forest by skl2onnx, labels and array", "wine", of_skl2onnx(_forest, zipmap=False)),
        kind("ONNX", "logistic regression by skl2onnx", "breast cancer", of_skl2onnx(_line)),
        kind("ONNX", "file of 2018, three rows fixed, without a sample", "iris", of_ort),
    ]
    if find_spec("torch"):
        found.append(kind("ONNX", "network by torch.onnx, with a sample", "digits", of_torch(True)))
        found.append(kind("ONNX", "network by torch.onnx, without a sample", "digits", of_torch(False)))
    return found


def _forest() -> Any:
    return RandomForestClassifier(TREES, random_state=0)


def _line() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _files() -> list[Kind]:
    def dumped(name: str, *, trust: bool) -> Make:
        def made(given: Table, folder: Path) -> Made:
            model = _line().fit(given.rows, given.answers)
            joblib.dump(model, folder / name, compress=3 if name.endswith(".gz") else 0)
            return Made(path=folder / name, predict=model.predict, trust=trust)

        return made

    def logged(given: Table, folder: Path) -> Made:
        model = _line().fit(given.rows, given.answers)
        inside = folder / "logged"
        inside.mkdir()
        joblib.dump(model, inside / "model.pkl")
        flavors = {"python_function": {}, "sklearn": {"pickled_model": "model.pkl", "sklearn_version": "1.9.1"}}
        (inside / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}), "utf-8")
        return Made(path=inside, predict=model.predict, trust=True)

    def skops(given: Table, folder: Path) -> Made:
        model = _line().fit(given.rows, given.answers)
        importlib.import_module("skops.io").dump(model, folder / "model.skops")
        return Made(path=folder / "model.skops", predict=model.predict)

    found = [
        kind("Files of Python objects", ".joblib, with --trust", "breast cancer", dumped("model.joblib", trust=True)),
        kind("Files of Python objects", ".joblib, compressed", "wine", dumped("model.joblib.gz", trust=True)),
        kind("Files of Python objects", ".pkl, without --trust", "wine", dumped("model.pkl", trust=False)),
        kind("Files of Python objects", "MLflow folder of scikit-learn, with --trust", "wine", logged),
    ]
    if find_spec("skops"):
        found.append(kind("Files of Python objects", ".skops", "wine", skops))
    return found
