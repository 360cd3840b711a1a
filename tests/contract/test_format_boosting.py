"""Files of LightGBM and XGBoost: read for what they are, damaged ones refused by a process of their own."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from golive.adapters.formats.catboost import CatboostFormat
from golive.adapters.formats.lightgbm import LightgbmFormat
from golive.adapters.formats.xgboost import XgboostFormat
from golive.errors import DataError

lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed; the extra golive[gbdt] brings it")
xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed; the extra golive[gbdt] brings it")

FORMATS = [CatboostFormat(), LightgbmFormat(), XgboostFormat()]


@pytest.fixture(scope="module")
def tumors():
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def light(tumors, tmp_path_factory):
    rows, kind = tumors
    model = lightgbm.train({"verbosity": -1, "objective": "binary"}, lightgbm.Dataset(rows, kind), 5)
    path = tmp_path_factory.mktemp("light") / "model.txt"
    model.save_model(path)
    return path


@pytest.fixture(scope="module")
def extreme(tumors, tmp_path_factory):
    rows, kind = tumors
    model = xgboost.XGBClassifier(n_estimators=200, learning_rate=0.5, early_stopping_rounds=2, n_jobs=1)
    model.fit(rows[:400], kind[:400], eval_set=[(rows[400:], kind[400:])], verbose=False)
    path = tmp_path_factory.mktemp("extreme") / "model.json"
    model.save_model(path)
    return path, model


def test_a_lightgbm_text_file_is_read_whatever_its_name(light, tumors, tmp_path):
    rows, _ = tumors
    path = tmp_path / "model.lgb"
    path.write_bytes(light.read_bytes())
    assert [known.name for known in FORMATS if known.recognizes(path)] == ["lightgbm"]
    model = LightgbmFormat().read(path)
    assert (model.predict(rows) == lightgbm.Booster(model_file=light).predict(rows)).all()


def test_a_file_of_an_xgboost_estimator_answers_with_the_best_iterations(extreme, tumors):
    path, estimator = extreme
    rows, _ = tumors
    assert [known.name for known in FORMATS if known.recognizes(path)] == ["xgboost"]
    model = XgboostFormat().read(path)
    assert model.num_boosted_rounds() == estimator.best_iteration + 1 < estimator.get_booster().num_boosted_rounds()
    assert (model.predict(xgboost.DMatrix(rows)) == estimator.predict_proba(rows)[:, 1]).all()


def test_a_lightgbm_file_that_ends_its_reader_is_refused(light, tmp_path):
    path = tmp_path / "cut.txt"
    path.write_bytes(light.read_bytes()[: light.stat().st_size // 2])
    with pytest.raises(DataError, match=r"cut\.txt was opened in a process of its own, which .* save the model anew"):
        LightgbmFormat().read(path)


def test_an_xgboost_tree_that_goes_in_circles_is_refused(extreme, tmp_path):
    told = json.loads(extreme[0].read_bytes())
    tree = told["learner"]["gradient_booster"]["model"]["trees"][0]
    tree["left_children"][tree["left_children"][0]] = 0
    path = tmp_path / "circle.json"
    path.write_text(json.dumps(told), "utf-8")
    with pytest.raises(DataError, match=r"circle\.json"):
        XgboostFormat().read(path)


@pytest.mark.parametrize("content", [b"", b"{", b"trees\n", b'{"other": 1}', b"\x80\x04", np.bytes_(b"PK\x03\x04")])
def test_other_files_are_not_taken_for_boosters(content, tmp_path):
    path = tmp_path / "model.json"
    path.write_bytes(content)
    assert not any(known.recognizes(path) or known.recognizes(tmp_path) for known in FORMATS)


def test_the_first_bytes_of_catboost_are_known_without_the_library(tmp_path):
    path = tmp_path / "model"
    for content in (b"CBM1(H", b'{\n"ctr_data":\n {', b'{"features_info": {}'):
        path.write_bytes(content)
        assert [known.name for known in FORMATS if known.recognizes(path)] == ["catboost"]


def test_xgboost_s_old_binary_form_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / "old.model"
    path.write_bytes(b"binf" + bytes(100))
    assert XgboostFormat().recognizes(path)
    with pytest.raises(DataError, match=r"load it with XGBoost 3\.0 or older and save it as \.json"):
        XgboostFormat().read(path)
