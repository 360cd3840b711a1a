"""Files that are long to refuse, and boosters cut anywhere: bounded time and memory, and no crash here."""

import importlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostile_files import LONG, imported, is_refused
from sklearn.datasets import load_breast_cancer

from golive.control.bringing.bring import format_for
from golive.errors import GoliveError

pytestmark = pytest.mark.heavy

MOST_MIB = 1500
CUTS = 12
"""For each kind, evenly spread; every cut costs the start of a process, about a second."""
ROWS, KIND = load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("long"), LONG)


@pytest.mark.parametrize("name", LONG)
def test_a_file_that_is_long_to_refuse_is_refused(name, long):
    is_refused(long["files"][name], name, LONG[name][1])


def test_their_memory_stays_bounded(long):
    assert long["own_mib"] < MOST_MIB


def lightgbm_file(path: Path) -> Path:
    lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed; pip install 'golive[gbdt]' brings it")
    words = {"verbosity": -1, "objective": "binary", "num_leaves": 3, "num_threads": 1}
    lightgbm.train(words, lightgbm.Dataset(ROWS[:, :3], KIND), 2).save_model(path / "model.txt")
    return path / "model.txt"


def xgboost_file(path: Path, suffix: str) -> Path:
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed; pip install 'golive[gbdt]' brings it")
    model = xgboost.XGBClassifier(n_estimators=2, max_depth=2, n_jobs=1).fit(ROWS[:, :3], KIND)
    model.save_model(path / f"model.{suffix}")
    return path / f"model.{suffix}"


def catboost_file(path: Path, suffix: str) -> Path:
    reason = "catboost is not installed; pip install 'golive[catboost]' brings it"
    catboost = pytest.importorskip("catboost", reason=reason)
    model = catboost.CatBoostClassifier(iterations=2, depth=2, verbose=0, allow_writing_files=False, thread_count=1)
    model.fit(ROWS[:, :3], KIND).save_model(str(path / f"model.{suffix}"), format=suffix)
    return path / f"model.{suffix}"


BOOSTERS = {
    "lightgbm": lightgbm_file,
    "xgboost_json": lambda path: xgboost_file(path, "json"),
    "xgboost_ubj": lambda path: xgboost_file(path, "ubj"),
    "catboost_cbm": lambda path: catboost_file(path, "cbm"),
    "catboost_json": lambda path: catboost_file(path, "json"),
}


def refused_or_read(path: Path) -> object:
    """Give the model of a file, or nothing where it is refused."""
    try:
        return format_for(path).read(path)
    except GoliveError:
        return None


def answers(model: object) -> list[float]:
    if type(model).__module__.startswith("xgboost"):
        return model.predict(importlib.import_module("xgboost").DMatrix(ROWS[:, :3])).tolist()
    if type(model).__module__.startswith("catboost"):
        return model.predict(ROWS[:, :3], prediction_type="RawFormulaVal").tolist()
    return model.predict(ROWS[:, :3]).tolist()


@pytest.mark.parametrize("kind", BOOSTERS)
def test_a_booster_cut_anywhere_is_refused_or_answers_as_the_whole_one(kind, tmp_path):
    whole = BOOSTERS[kind](tmp_path)
    content = whole.read_bytes()
    cuts = [tmp_path / f"cut{place}{whole.suffix}" for place in range(0, len(content), -(-len(content) // CUTS))]
    for path in cuts:
        path.write_bytes(content[: int(path.stem[3:])])
    with ThreadPoolExecutor(2) as two:
        models = list(two.map(refused_or_read, cuts))
    expected = answers(format_for(whole).read(whole))
    strange = [path.stem for path, model in zip(cuts, models, strict=True) if model and answers(model) != expected]
    assert strange == []
    assert models[0] is None
    assert models.count(None) > len(cuts) / 3
