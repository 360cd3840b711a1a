"""XGBoost: the graph gives its float32 answers to the last bit, or to the last bit of ``expf`` after a link."""

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from golive.adapters.frameworks.sklearn import COMPOUND_TOLERANCE, SklearnFramework
from golive.errors import NotConvertibleError
from golive.training.class_indices import ClassIndices

xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed; the extra golive[gbdt] brings it")

NUMBERS = ["Seniority", "Time", "Age", "Expenses", "Income", "Assets", "Debt", "Amount", "Price"]
TEXTS = ["Home", "Marital", "Records", "Job"]


@pytest.fixture(scope="module")
def houses(ames):
    rows, price = ames
    return rows[[name for name in rows.columns if rows[name].dtype != object]], price


@pytest.fixture(scope="module")
def loans(credit):
    rows, status = credit
    return rows, (status == "good").astype(int)


def regressor(**options):
    return xgboost.XGBRegressor(**{"n_estimators": 40, "n_jobs": 1, **options})


def classifier(**options):
    return xgboost.XGBClassifier(**{"n_estimators": 40, "n_jobs": 1, **options})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"objective": "reg:absoluteerror"},
        {"objective": "reg:pseudohubererror", "huber_slope": 50000.0},
        {"objective": "reg:quantileerror", "quantile_alpha": 0.3},
        {"base_score": 1000.0, "tree_method": "exact", "gamma": 1e9},
        {"num_parallel_tree": 3, "subsample": 0.5, "grow_policy": "lossguide"},
        {"n_estimators": 1, "max_depth": 1},
    ],
)
def test_a_sum_of_trees_is_equal_to_the_last_bit_of_float32(options, houses, prove):
    rows, price = houses
    model = regressor(**options).fit(rows[:900], price[:900])
    converted = prove(model, rows[:900], rows[900:1500], within=0.0)
    assert converted.tolerance == 0.0
    assert "float32" in converted.notes[0]


@pytest.mark.parametrize("objective", ["count:poisson", "reg:gamma", "reg:tweedie", "reg:logistic"])
def test_a_link_after_the_sum_needs_a_declared_tolerance_of_float32(objective, houses, prove):
    rows, price = houses
    model = regressor(objective=objective).fit(rows[:900], price[:900] / 1e6)
    assert prove(model, rows[:900], rows[900:1500]).tolerance == 2.0**-22


def test_a_forest_of_xgboost_is_written_too(houses, loans, prove):
    rows, price = houses
    prove(
        xgboost.XGBRFRegressor(n_estimators=20, n_jobs=1).fit(rows[:900], price[:900]),
        rows[:900],
        rows[900:1500],
        within=0.0,
    )
    rows, good = loans
    model = xgboost.XGBRFClassifier(n_estimators=20, n_jobs=1).fit(rows[NUMBERS][:900], good[:900])
    prove(model, rows[NUMBERS][:900], rows[NUMBERS][900:1500])


@pytest.mark.parametrize("marker", [np.nan, 0.0, 48.0])
def test_missing_values_go_the_learned_way_whatever_stands_for_missing(marker, loans, prove):
    rows, good = loans
    numbers = rows[NUMBERS] if np.isnan(marker) else rows[NUMBERS].fillna(marker)
    model = classifier(missing=marker).fit(numbers[:900], good[:900])
    prove(model, numbers[:900], numbers[900:1500])


def test_several_classes_give_the_same_probabilities(iris, prove):
    rows, kind = iris
    for parallel in (1, 2):
        model = classifier(num_parallel_tree=parallel).fit(rows[:110], kind[:110])
        converted = prove(model, rows[:110], rows[110:])
        assert converted.signature.classes == ("0", "1", "2")


def test_after_early_stopping_only_the_best_iterations_count(loans, prove):
    rows, good = loans
    numbers = rows[NUMBERS]
    model = classifier(n_estimators=300, early_stopping_rounds=2)
    model.fit(numbers[:900], good[:900], eval_set=[(numbers[900:1500], good[900:1500])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    prove(model, numbers[:900], numbers[900:1500])


@pytest.mark.parametrize("dense", [True, False])
def test_zeros_of_a_sparse_table_are_missing_and_those_of_a_dense_one_are_zeros(dense, loans, prove):
    rows, good = loans
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=not dense)
    columns = ColumnTransformer([("c", encoder, TEXTS), ("n", SimpleImputer(), ["Debt", "Assets"])])
    model = make_pipeline(columns, classifier()).fit(rows[:900], good[:900])
    assert columns.sparse_output_ is not dense
    prove(model, rows[:900], rows[900:1500])


def test_text_labels_are_learned_through_class_indices(credit, prove):
    rows, status = credit
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("c", encoder, TEXTS), ("n", StandardScaler(), NUMBERS)])
    model = make_pipeline(columns, ClassIndices(classifier())).fit(rows[:900], status[:900])
    converted = prove(model, rows[:900], rows[900:1500])
    assert converted.signature.classes == ("bad", "good")
    assert converted.tolerance == 2.0**-22


def test_what_goes_on_in_float32_around_it_widens_the_tolerance(houses, loans, prove):
    rows, price = houses
    model = TransformedTargetRegressor(regressor(), func=np.log1p, inverse_func=np.expm1).fit(rows[:900], price[:900])
    assert prove(model, rows[:900], rows[900:1500]).tolerance == COMPOUND_TOLERANCE
    rows, good = loans
    logistic = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    vote = VotingClassifier([("x", classifier()), ("l", logistic)], voting="soft").fit(rows[NUMBERS][:900], good[:900])
    assert prove(vote, rows[NUMBERS][:900], rows[NUMBERS][900:1500]).tolerance == COMPOUND_TOLERANCE


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"booster": "gblinear"}, "uses booster='gblinear'; fit it with booster='gbtree'"),
        ({"objective": "binary:hinge"}, "was fitted with the objective 'binary:hinge'"),
    ],
)
def test_what_is_not_written_exactly_is_refused_with_the_remedy(options, reason, loans):
    rows, good = loans
    model = classifier(**options).fit(rows[["Age", "Time"]][:900], good[:900])
    with pytest.raises(NotConvertibleError, match=reason):
        SklearnFramework().convert(model, rows[["Age", "Time"]], target="y")


def test_splits_on_categories_and_several_targets_are_refused(loans):
    rows, good = loans
    typed = rows[["Home", "Age"]].astype({"Home": "category"})
    model = classifier(enable_categorical=True).fit(typed, good)
    with pytest.raises(NotConvertibleError, match=r"XGBClassifier reads the text column 'Home'"):
        SklearnFramework().convert(model, typed, target="y")
    codes = typed.assign(Home=typed["Home"].cat.codes.astype("category"))
    model = classifier(enable_categorical=True).fit(codes, good)
    with pytest.raises(NotConvertibleError, match="splits on categories itself; encode them before it"):
        SklearnFramework().convert(model, codes, target="y")
    two = regressor().fit(rows[["Age", "Time"]], rows[["Amount", "Price"]])
    with pytest.raises(NotConvertibleError, match="predicts 2 targets"):
        SklearnFramework().convert(two, rows[["Age", "Time"]], target="y")
