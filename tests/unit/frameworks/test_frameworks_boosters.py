"""Boosters of LightGBM and XGBoost, native: the graph gives what their own ``predict`` gives."""

import numpy as np
import pandas as pd
import pytest
from proved import proved

from golive.adapters.frameworks.lightgbm_booster import LightgbmFramework
from golive.adapters.frameworks.xgboost_booster import XgboostFramework
from golive.control.packing.frameworks import framework_for
from golive.errors import NotConvertibleError

lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed; the extra golive[gbdt] brings it")
xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed; the extra golive[gbdt] brings it")

NUMBERS = ["Seniority", "Time", "Age", "Expenses", "Income", "Assets", "Debt", "Amount", "Price"]
TEXTS = ["Home", "Marital", "Records", "Job"]
ROUNDS = 25


@pytest.fixture(scope="module")
def loans(credit):
    rows, status = credit
    return rows, (status == "good").astype(int)


@pytest.fixture(scope="module")
def typed(loans):
    """The same loans with text as pandas categories."""
    rows, good = loans
    return rows.astype(dict.fromkeys(TEXTS, "category")), good


def light(rows, answers, *, rounds=ROUNDS, **options):
    data = lightgbm.Dataset(rows, answers, free_raw_data=False)
    return lightgbm.train({"verbosity": -1, "num_threads": 1, "num_leaves": 15, **options}, data, rounds)


def extreme(rows, answers, *, rounds=ROUNDS, **options):
    data = xgboost.DMatrix(rows, answers, enable_categorical=True)
    return xgboost.train({"nthread": 1, "max_depth": 4, **options}, data, rounds)


def test_a_split_that_only_parts_missing_values_leaves_none_other_behind():
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"a": random.normal(size=300), "b": random.normal(size=300)})
    rows.loc[::3, "a"] = np.nan
    booster = light(rows, rows["a"].isna() + 0.01 * rows["b"], rounds=2)
    assert "threshold=inf" in booster.model_to_string()
    huge = rows[:6].assign(a=[9e299, 1e300, 1.0000000000000002e300, 1.7e308, np.nan, -1.7e308])
    _, proof = proved(LightgbmFramework(), booster, rows, huge)
    assert proof.rows > len(huge)


def test_what_lightgbm_counts_as_zero_is_on_zeros_side_of_every_split():
    random = np.random.default_rng(0)
    rows = pd.DataFrame({name: random.normal(size=2000) * (random.random(2000) < 0.7) for name in "ab"})
    booster = light(rows, 1.0 * (rows["a"] < 0) + 2.0 * (rows["b"] > 0), rounds=20)
    near = float(np.float32(1e-35))
    values = [-np.nextafter(near, 1), -near, -near / 2, -0.0, 0.0, near / 2, near, np.nextafter(near, 1)]
    tiny = pd.DataFrame({name: np.repeat(values, 4) if name == "a" else np.tile(values, 4) for name in "ab"})
    splits = {float(text) for line in _lines(booster, "threshold") for text in line}
    assert {-near, near} <= splits
    _, proof = proved(LightgbmFramework(), booster, rows, tiny)
    assert proof.rows >= len(tiny)


def _lines(booster, key):
    found = [line.partition("=")[2].split() for line in booster.model_to_string().splitlines() if line.startswith(key)]
    assert found
    return found


@pytest.mark.parametrize(
    "options",
    [
        {"objective": "binary"},
        {"objective": "binary", "sigmoid": 0.7, "zero_as_missing": True},
        {"objective": "binary", "boosting": "dart", "drop_rate": 0.5},
        {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"objective": "binary", "use_missing": False},
        {"objective": "cross_entropy"},
        {"objective": "poisson"},
        {"objective": "regression", "reg_sqrt": True},
        {"objective": "quantile", "alpha": 0.3},
    ],
    ids=str,
)
def test_a_lightgbm_booster_on_numbers_answers_alike(options, loans):
    rows, good = loans
    rows = rows[NUMBERS]
    model = light(rows[:1500], good[:1500], **options)
    converted, proof = proved(framework_for(model), model, rows[:1500], rows[1500:2500])
    two = options["objective"] == "binary"
    assert converted.signature.classes == (("0", "1") if two else ())
    assert proof.details["unanswered_rows"] == 0


def test_a_lightgbm_booster_on_pandas_categories_answers_alike(typed):
    rows, good = typed
    model = light(rows[:1500], good[:1500], objective="binary", min_data_per_group=5, cat_smooth=1)
    converted, _ = proved(framework_for(model), model, rows[:1500], rows[1500:2500])
    assert {field.name for field in converted.signature.inputs if field.dtype == "string"} == set(TEXTS)


def test_a_lightgbm_booster_of_several_classes_answers_alike(iris):
    rows, kind = iris
    for objective in ("multiclass", "multiclassova"):
        model = light(rows[:110], kind[:110], objective=objective, num_class=3)
        converted, _ = proved(LightgbmFramework(), model, rows[:110], rows[110:])
        assert converted.signature.classes == ("0", "1", "2")


def test_a_lightgbm_ranker_gives_its_scores(loans):
    rows, good = loans
    data = lightgbm.Dataset(rows[NUMBERS][:1500], good[:1500], group=[10] * 150)
    for objective in ("lambdarank", "rank_xendcg"):
        model = lightgbm.train({"verbosity": -1, "num_threads": 1, "objective": objective}, data, ROUNDS)
        proved(LightgbmFramework(), model, rows[NUMBERS][:1500], rows[NUMBERS][1500:2000])


def test_a_lightgbm_booster_stopped_early_answers_with_its_best_iteration(loans):
    rows, good = loans
    rows = rows[NUMBERS]
    data = lightgbm.Dataset(rows[:1500], good[:1500])
    model = lightgbm.train(
        {"verbosity": -1, "num_threads": 1, "objective": "binary", "learning_rate": 0.5},
        data,
        200,
        valid_sets=[data.create_valid(rows[1500:2500], good[1500:2500])],
        callbacks=[lightgbm.early_stopping(3, verbose=False)],
        keep_training_booster=True,
    )
    assert model.best_iteration < model.current_iteration()
    proved(LightgbmFramework(), model, rows[:1500], rows[2500:3500])


def test_linear_leaves_and_several_values_of_lightgbm_are_refused(loans):
    rows, good = loans
    rows = rows[["Age", "Time"]]
    linear = light(rows, good, objective="regression", linear_tree=True)
    with pytest.raises(NotConvertibleError, match="Booster has linear models in its leaves; fit it with linear_tree"):
        LightgbmFramework().convert(linear, rows, target="y")


@pytest.mark.parametrize(
    ("options", "within"),
    [
        ({"objective": "binary:logistic"}, 2**-22),
        ({"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5}, 2**-22),
        ({"objective": "binary:logitraw"}, 0.0),
        ({"objective": "reg:squarederror", "num_parallel_tree": 3, "subsample": 0.5}, 0.0),
        ({"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.5}, 0.0),
        ({"objective": "reg:logistic"}, 2**-22),
        ({"objective": "count:poisson"}, 2**-22),
        ({"objective": "survival:cox"}, 2**-22),
    ],
    ids=str,
)
def test_an_xgboost_booster_on_numbers_answers_alike(options, within, loans):
    rows, good = loans
    rows = rows[NUMBERS]
    model = extreme(rows[:1500], good[:1500], **options)
    converted, proof = proved(framework_for(model), model, rows[:1500], rows[1500:2500], within=0.0)
    assert converted.tolerance == within
    assert proof.details["unanswered_rows"] == 0


@pytest.mark.parametrize("most", [1, 64])
def test_an_xgboost_booster_on_pandas_categories_answers_alike(most, typed):
    rows, good = typed
    model = extreme(rows[:1500], good[:1500], objective="binary:logistic", max_cat_to_onehot=most)
    converted, proof = proved(framework_for(model), model, rows[:1500], rows[1500:2500], within=0.0)
    assert converted.signature.inputs[1].categories[:2] == ("ignore", "other")
    assert proof.details["unanswered_rows"] == 0


def test_an_xgboost_booster_on_codes_of_categories_answers_alike(typed):
    rows, good = typed
    codes = rows.assign(**{name: rows[name].cat.codes.astype(float).replace(-1.0, np.nan) for name in TEXTS})
    data = xgboost.DMatrix(
        codes[:1500].to_numpy(),
        good[:1500],
        feature_types=["c" if name in TEXTS else "q" for name in codes],
        enable_categorical=True,
    )
    model = xgboost.train({"nthread": 1, "max_cat_to_onehot": 1, "objective": "binary:logistic"}, data, ROUNDS)
    proved(XgboostFramework(), model, codes[:1500], codes[1500:2500], within=0.0)


def test_an_xgboost_booster_of_several_classes_answers_alike(iris):
    rows, kind = iris
    model = extreme(rows[:110], kind[:110], objective="multi:softprob", num_class=3)
    converted, _ = proved(XgboostFramework(), model, rows[:110], rows[110:], within=0.0)
    assert converted.signature.classes == ("0", "1", "2")


def test_an_xgboost_ranker_gives_its_scores(loans):
    rows, good = loans
    data = xgboost.DMatrix(rows[NUMBERS][:1500], good[:1500], group=[10] * 150)
    for objective in ("rank:ndcg", "rank:pairwise", "rank:map"):
        model = xgboost.train({"nthread": 1, "objective": objective}, data, ROUNDS)
        proved(XgboostFramework(), model, rows[NUMBERS][:1500], rows[NUMBERS][1500:2000], within=0.0)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"booster": "gblinear"}, "Booster uses booster='gblinear'; fit it with booster='gbtree'"),
        ({"objective": "binary:hinge"}, "Booster was fitted with the objective 'binary:hinge'; use one of"),
        ({"objective": "multi:softmax", "num_class": 2}, "the objective 'multi:softmax'; use one of .*softprob"),
    ],
)
def test_what_xgboost_cannot_say_exactly_is_refused_with_the_remedy(options, reason, loans):
    rows, good = loans
    rows = rows[["Age", "Time"]].fillna(0)
    with pytest.raises(NotConvertibleError, match=reason):
        XgboostFramework().convert(extreme(rows, good, **options), rows, target="y")


def test_columns_are_found_by_name_in_any_order_and_by_place_where_there_are_no_names(iris):
    rows, kind = iris
    model = light(rows, kind, objective="multiclass", num_class=3)
    assert model.feature_name()[0] == "sepal_length_(cm)"
    turned = rows[rows.columns[::-1]].assign(more=1.0)
    assert (LightgbmFramework().predict(model, turned) == LightgbmFramework().predict(model, rows)).all()
    assert (LightgbmFramework().predict(model, rows.to_numpy()) == LightgbmFramework().predict(model, rows)).all()
    with pytest.raises(NotConvertibleError, match=r"reads 4 columns .* the sample has 3 .* not 'petal_width_"):
        LightgbmFramework().convert(model, rows[rows.columns[:3]], target="y")
    other = rows.set_axis(["a", "b", "c", "d"], axis=1)
    with pytest.raises(NotConvertibleError, match="under the same names"):
        LightgbmFramework().convert(model, other, target="y")


def test_no_plug_in_takes_another_library_s_model():
    class Booster:
        pass

    for framework in (LightgbmFramework(), XgboostFramework()):
        assert not framework.recognizes(Booster())
        assert not framework.recognizes(pd.DataFrame())


def test_rankers_of_both_libraries_are_written_as_scikit_learn_estimators_too(loans, prove):
    rows, good = loans
    rows = rows[NUMBERS]
    options = {"n_estimators": ROUNDS, "n_jobs": 1}
    ranker = lightgbm.LGBMRanker(**options, verbosity=-1).fit(rows[:1500], good[:1500], group=[10] * 150)
    prove(ranker, rows[:1500], rows[1500:2000])
    ranker = xgboost.XGBRanker(**options).fit(rows[:1500], good[:1500], qid=np.arange(1500) // 10)
    prove(ranker, rows[:1500], rows[1500:2000], within=0.0)


def test_an_estimator_with_dropped_trees_is_written_with_their_weights(loans, prove):
    rows, good = loans
    model = xgboost.XGBClassifier(booster="dart", rate_drop=0.5, n_estimators=ROUNDS, n_jobs=1)
    model.fit(rows[NUMBERS][:900], good[:900])
    prove(model, rows[NUMBERS][:900], rows[NUMBERS][900:1500])
