"""The cases that other converters answer wrongly without a warning, and the refusals."""

import numpy as np
import onnx
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectFromModel, SelectKBest
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OutputCodeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.errors import NotConvertibleError

numbers = make_column_selector(dtype_include="number")
texts = make_column_selector(dtype_exclude="number")


def ordinal():
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)


def test_histogram_boosting_with_categories_keeps_unseen_and_missing_ones(credit, prove):
    rows, status = credit
    encoder = ColumnTransformer([("c", ordinal(), texts), ("n", "passthrough", numbers)])
    model = make_pipeline(encoder, HistGradientBoostingClassifier(max_iter=15, categorical_features=[0, 1, 2, 3]))
    prove(model.fit(rows[:700], status[:700]), rows[:700], rows[700:1200])


def test_histogram_boosting_on_category_columns_of_a_frame_is_exact(ames, prove):
    rows, price = ames
    typed = rows.astype({name: "category" for name in rows.columns if rows[name].dtype == object})
    model = HistGradientBoostingRegressor(max_iter=6, categorical_features="from_dtype").fit(typed[:700], price[:700])
    converted = prove(model, typed[:700], rows[700:1200])
    assert len(converted.preparation.categories) == 43


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(25, random_state=0),
        DecisionTreeClassifier(max_depth=9),
        ExtraTreesClassifier(25, max_depth=9),
    ],
)
def test_trees_send_a_raw_missing_number_where_they_learned_to(model, cancer, prove):
    rows, benign = cancer
    holes = rows.mask(np.random.default_rng(0).random(rows.shape) < 0.15)
    prove(model.fit(holes[:400], benign[:400]), holes[:400], holes[400:])


@pytest.mark.parametrize("marker", [None, float("nan")])
def test_one_hot_keeps_missing_apart_whichever_marker_training_saw(marker, prove):
    rng = np.random.default_rng(0)
    colors = rng.choice(np.array(["red", "green", marker, "blue"], dtype=object), 400)
    rows = pd.DataFrame({"color": pd.Series(colors, dtype=object), "size": rng.normal(size=400)})
    label = (pd.isna(rows["color"]) ^ (rows["size"] > 0)).astype(int).to_numpy()
    encoder = ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore"), ["color"])], remainder="passthrough")
    model = make_pipeline(encoder, DecisionTreeClassifier(max_depth=3)).fit(rows[:300], label[:300])
    converted = prove(model, rows[:300], rows[300:])
    assert converted.preparation.categories[0].values == ("blue", "green", "red")
    assert converted.signature.inputs[0].nullable


def test_indicator_columns_are_not_dropped(credit, prove):
    rows, status = credit
    kept = rows[["Income", "Assets", "Debt", "Amount"]]
    model = make_pipeline(SimpleImputer(add_indicator=True), DecisionTreeClassifier(max_depth=8))
    prove(model.fit(kept[:700], status[:700]), kept[:700], kept[700:1200])


def test_an_even_forest_keeps_the_side_of_every_tie(cancer, prove):
    rows, benign = cancer
    rng = np.random.default_rng(1)
    noisy = np.where(rng.random(len(benign)) < 0.4, 1 - benign, benign)
    model = RandomForestClassifier(4, random_state=0).fit(rows[:300], noisy[:300])
    shares = model.predict_proba(rows[300:])
    assert (shares[:, 0] == shares[:, 1]).sum() > 10
    prove(model, rows[:300], rows[300:], within=0.0)


def test_a_subclass_that_only_fits_differently_is_written_like_its_parent(credit, prove):
    class Neighborly(SimpleImputer):
        """Learns from neighboring rows; transforms as its parent does."""

    rows, status = credit
    model = make_pipeline(
        ColumnTransformer([("n", Neighborly(strategy="median"), numbers)]), DecisionTreeClassifier(max_depth=5)
    )
    prove(model.fit(rows[:700], status[:700]), rows[:700], rows[700:1200])


@pytest.mark.parametrize("zero_as_missing", [False, True])
def test_lightgbm_keeps_missing_values_and_categories(zero_as_missing, credit, prove):
    rows, status = credit
    typed = rows.astype({name: "category" for name in rows.columns if rows[name].dtype == object})
    model = LGBMClassifier(n_estimators=40, min_cat_to_onehot=1, verbose=-1, n_jobs=1, zero_as_missing=zero_as_missing)
    prove(model.fit(typed[:700], status[:700]), typed[:700], rows[700:1200])


@pytest.mark.parametrize(
    "options",
    [
        {"objective": "poisson"},
        {"reg_sqrt": True},
        {"boosting_type": "rf", "subsample": 0.7, "subsample_freq": 1},
        {"boosting_type": "dart"},
        {"objective": "quantile"},
    ],
)
def test_lightgbm_links_and_boosting_types_are_exact(options, ames, prove):
    rows, price = ames
    kept = rows[[name for name in rows.columns if rows[name].dtype != object]]
    model = LGBMRegressor(n_estimators=20, verbose=-1, n_jobs=1, **options)
    prove(model.fit(kept[:700], price[:700]), kept[:700], kept[700:1200])


def test_an_array_of_numbers_becomes_columns_x0_to_xn(iris, prove):
    rows, kind = iris
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows.to_numpy(), kind)
    converted = SklearnFramework().convert(model, rows.to_numpy(), target="kind")
    assert converted.signature.names == ("x0", "x1", "x2", "x3")
    assert converted.preparation.numbers == ("x0", "x1", "x2", "x3")
    asked = SklearnFramework().predict(model, rows.set_axis(["x0", "x1", "x2", "x3"], axis=1))
    assert np.array_equal(asked, model.predict_proba(rows.to_numpy()))


def test_integers_and_booleans_are_described_as_callers_send_them(prove):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"rooms": rng.integers(1, 9, 200), "new": rng.random(200) > 0.5, "area": rng.random(200)})
    model = LinearRegression().fit(rows, rows["rooms"] * 2.0 + rows["new"])
    converted = prove(model, rows[:150], rows[150:])
    assert [field.dtype for field in converted.signature.inputs] == ["int64", "bool", "float64"]
    assert not any(field.nullable for field in converted.signature.inputs)


def test_unused_columns_are_not_asked_of_callers_and_unused_inputs_are_left_out(credit):
    rows, status = credit
    model = make_pipeline(
        ColumnTransformer([("n", SimpleImputer(), ["Debt", "Income"])]), LogisticRegression(max_iter=500)
    )
    converted = SklearnFramework().convert(model.fit(rows, status), rows, target="Status")
    graph = onnx.load_from_string(converted.graph).graph
    assert converted.signature.names == ("Income", "Debt")
    assert [entry.name for entry in graph.input] == ["N"]


def test_split_values_come_back_through_a_scaler_as_raw_values(cancer):
    rows, benign = cancer
    model = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=1)).fit(rows, benign)
    tree = model.steps[-1][1].tree_
    column = rows.columns[tree.feature[0]]
    scaler = model.steps[0][1]
    converted = SklearnFramework().convert(model, rows, target="benign")
    place = tree.feature[0]
    wanted = tree.threshold[0] * scaler.scale_[place] + scaler.mean_[place]
    assert converted.thresholds == {column: (pytest.approx(wanted, rel=1e-12),)}


def refused(model, sample):
    with pytest.raises(NotConvertibleError) as caught:
        SklearnFramework().convert(model, sample, target="y")
    return caught.value


def test_a_part_without_a_rule_is_named_with_its_step(iris):
    rows, kind = iris
    model = make_pipeline(KNNImputer(), LogisticRegression(max_iter=500)).fit(rows, kind)
    assert "KNNImputer (step 'knnimputer') has no exact form" in str(refused(model, rows))
    model = make_pipeline(StandardScaler(), KNeighborsClassifier()).fit(rows, kind)
    assert "KNeighborsClassifier (step 'kneighborsclassifier')" in str(refused(model, rows))


class Doubled(Ridge):
    """Answers otherwise than its parent."""

    def predict(self, X):
        return 2.0 * super().predict(X)


class Shifted(StandardScaler):
    """Transforms otherwise than its parent."""

    def transform(self, X, copy=None):
        return super().transform(X, copy=copy) + 1.0


class Patient(Ridge):
    """Fits otherwise than its parent, and answers like it."""

    def fit(self, X, y):
        return super().fit(X, np.clip(y, 0, 1))


class Normalizer(FunctionTransformer):
    """Bears the name of another class."""

    def transform(self, X):
        return X * 3.0


class OwnPipeline(Pipeline):
    """A chain that answers otherwise."""

    def predict(self, X, **_):
        return -super().predict(X)


class Picked(SelectKBest):
    """A selection that changes what it keeps."""

    def transform(self, X):
        return super().transform(X) + 1.0


class OwnSearch(GridSearchCV):
    """A search that answers otherwise than the best estimator it found."""

    def predict(self, X):
        return super().predict(X) * 2.0


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Doubled(), "Doubled has its own 'predict', unlike Ridge"),
        (make_pipeline(Shifted(), Ridge()), r"Shifted \(step 'shifted'\) has its own 'transform'"),
        (make_pipeline(Normalizer(), Ridge()), r"Normalizer \(step 'normalizer'\) has its own 'transform'"),
        (OwnPipeline([("m", Ridge())]), "OwnPipeline has its own 'predict', unlike Pipeline"),
        (make_pipeline(Picked(k=2), Ridge()), r"Picked \(step 'picked'\) has no exact form"),
        (OwnSearch(Ridge(), {"alpha": [1.0, 2.0]}, cv=2), "OwnSearch has no exact form"),
    ],
)
def test_a_subclass_that_answers_in_its_own_way_is_refused_by_name(model, reason, iris):
    rows, kind = iris
    with pytest.raises(NotConvertibleError, match=reason):
        SklearnFramework().convert(model.fit(rows, kind), rows, target="y")


def test_a_method_replaced_on_one_object_is_refused(iris):
    rows, kind = iris
    model = Ridge().fit(rows, kind)
    model.predict = lambda table: np.zeros(len(table))
    assert "Ridge has its own 'predict'" in str(refused(model, rows))


def test_a_subclass_that_only_fits_in_its_own_way_is_written_like_its_parent(iris, prove):
    rows, kind = iris
    prove(Patient().fit(rows[:100], kind[:100]), rows[:100], rows[100:])


@pytest.mark.parametrize("strategy", ["stratified", "uniform"])
def test_boosting_that_starts_at_random_is_refused(strategy, cancer):
    rows, benign = cancer
    start = DummyClassifier(strategy=strategy, random_state=0)
    model = GradientBoostingClassifier(n_estimators=2, max_depth=1, init=start).fit(rows, benign)
    error = refused(model, rows)
    assert f"GradientBoostingClassifier starts from a dummy with strategy='{strategy}'" in str(error)


def test_a_classifier_without_probabilities_is_refused_with_the_remedy(iris):
    rows, kind = iris
    error = refused(make_pipeline(StandardScaler(), OutputCodeClassifier(SVC())).fit(rows, kind), rows)
    assert "OutputCodeClassifier (step 'outputcodeclassifier') gives no probabilities" in str(error)
    assert CalibratedClassifierCV.__name__ in str(error)


def test_an_encoder_that_fails_on_unseen_values_is_refused_with_the_remedy(credit):
    rows, status = credit
    encoder = ColumnTransformer([("jobs", OneHotEncoder(), ["Job"])])
    model = make_pipeline(encoder, LogisticRegression(max_iter=500)).fit(rows, status)
    error = refused(model, rows)
    assert "OneHotEncoder (step 'columntransformer' > 'jobs')" in str(error)
    assert "handle_unknown" in str(error)
    model.set_params(columntransformer__jobs__handle_unknown="ignore")
    encoder.named_transformers_["jobs"].set_params(handle_unknown="ignore")
    assert SklearnFramework().convert(model, rows, target="Status").preparation.categories


def test_text_that_reaches_an_estimator_is_refused_by_column(credit):
    rows, status = credit
    model = make_pipeline(FunctionTransformer(), LogisticRegression(max_iter=500)).fit(rows[["Age", "Time"]], status)
    error = refused(model, rows[["Age", "Job"]].rename(columns={"Job": "Time"}))
    assert "FunctionTransformer (step 'functiontransformer') gives text for 'Time'" in str(error)


def test_a_text_vectorizer_on_numbers_is_refused_by_column(credit):
    rows, status = credit
    known = rows.fillna({"Job": "none"})
    model = make_pipeline(ColumnTransformer([("words", TfidfVectorizer(), "Job")]), LogisticRegression())
    model.fit(known, status)
    assert "reached it: Job" in str(refused(model, known.assign(Job=1.0)))


def test_a_function_that_looks_at_values_is_refused_with_the_reason(iris):
    rows, kind = iris
    spread = FunctionTransformer(lambda table: table - table.mean(axis=0))
    error = refused(make_pipeline(spread, LogisticRegression(max_iter=500)).fit(rows, kind), rows)
    assert "FunctionTransformer (step 'functiontransformer') cannot be followed" in str(error)


def test_a_column_of_mixed_kinds_is_refused_by_name():
    rows = pd.DataFrame({"size": [1.0, 2.0, 3.0], "odd": pd.Series(["a", 1, 2.5], dtype=object)})
    error = refused(Ridge().fit(rows[["size"]], [1.0, 2.0, 3.0]), rows)
    assert "column 'odd' holds float, int, str" in str(error)


def test_the_same_model_converts_to_the_same_bytes(credit):
    rows, status = credit
    encoder = ColumnTransformer([("n", SimpleImputer(), numbers), ("c", OneHotEncoder(handle_unknown="ignore"), texts)])
    model = make_pipeline(encoder, DecisionTreeClassifier(max_depth=4)).fit(rows, status)
    first, second = (SklearnFramework().convert(model, rows, target="y") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("factor", [0.1, 1.0 / 3.0])
def test_a_factor_before_a_linear_model_is_not_rounded_to_float32(factor, iris, prove):
    rows, kind = iris
    model = make_pipeline(FunctionTransformer(lambda x: x * factor), LogisticRegression(max_iter=500))
    prove(model.fit(rows[:100], kind[:100]), rows[:100], rows[100:])
    single = make_pipeline(StandardScaler(), Ridge()).fit(rows[["sepal width (cm)"]], kind)
    prove(single, rows[["sepal width (cm)"]], rows[["sepal width (cm)"]])


def test_a_column_of_many_categories_beside_one_of_few_is_exact(prove):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {"few": rng.choice(["a", "b", "c"], 1200), "many": [f"id {n}" for n in rng.integers(0, 600, 1200)]}
    )
    rows = rows.astype(object)
    encoder = ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore"), ["few", "many"])])
    value = rng.normal(size=1200) + (rows["few"] == "b")
    prove(make_pipeline(encoder, Ridge()).fit(rows[:1000], value[:1000]), rows[:1000], rows[1000:])


DIRECT = {
    "onehot": OneHotEncoder(handle_unknown="ignore", sparse_output=True),
    "rare": OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=0.05, sparse_output=False),
    "ordinal": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    "target": TargetEncoder(random_state=0),
}


@pytest.mark.parametrize("name", DIRECT)
def test_encoders_that_meet_missing_categories_themselves_are_exact(name, homes, prove):
    rows, price = homes
    scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    columns = ColumnTransformer([("numbers", scaled, numbers), ("categories", DIRECT[name], texts)])
    chosen = SelectFromModel(DecisionTreeRegressor(max_depth=6, random_state=0), threshold=-np.inf, max_features=30)
    forest = RandomForestRegressor(10, max_depth=10, random_state=0)
    model = Pipeline([("columns", columns), ("select", chosen), ("model", forest)]).fit(rows[:900], price[:900])
    prove(model, rows[:900], rows[900:1500])
