"""The parts that skl2onnx writes: the list against scikit-learn, its conditions, and a converter that is not there."""

import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import StackingClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, DotProduct, Matern, RationalQuadratic, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from golive.adapters.frameworks.emitter import Emitter
from golive.adapters.frameworks.inputs import Inputs
from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.adapters.frameworks.splice import onnx_of
from golive.errors import NotConvertibleError

numbers = make_column_selector(dtype_include="number")
texts = make_column_selector(dtype_exclude="number")


def hard(rows: pd.DataFrame, count: int = 2000) -> pd.DataFrame:
    """Mixtures of real rows, rows halfway between two of them, noisy rows, and rows with one extreme value."""
    rng = np.random.default_rng(0)
    table = rows.to_numpy(np.float64)
    one, two = (table[rng.integers(0, len(table), count)] for _ in range(2))
    extreme = one.copy()
    extreme[np.arange(count), rng.integers(0, table.shape[1], count)] *= rng.choice(
        [0.0, -1.0, 1e3, -1e3, 1e6, 1e-12], count
    )
    noisy = one + rng.normal(size=one.shape) * 0.3 * np.nanstd(table, axis=0)
    mixed = np.where(rng.random(one.shape) < 0.3, two, one)
    return pd.DataFrame(np.vstack([table, mixed, (one + two) / 2, noisy, extreme]), columns=rows.columns)


@pytest.fixture(scope="module")
def diabetes():
    data = load_diabetes(as_frame=True)
    return data.data, data.target.to_numpy()


@pytest.fixture(scope="module")
def wine():
    data = load_wine(as_frame=True)
    order = np.random.default_rng(0).permutation(len(data.data))
    return data.data.iloc[order].reset_index(drop=True), data.target.to_numpy()[order]


@pytest.mark.parametrize("scaler", [StandardScaler(), "passthrough"], ids=str)
def test_modified_huber_probabilities_are_exact(scaler, cancer, prove):
    rows, benign = cancer
    model = make_pipeline(scaler, SGDClassifier(loss="modified_huber", random_state=0))
    prove(model.fit(rows[:300], benign[:300]), rows[:300], hard(rows))


@pytest.mark.parametrize("norm", [False, True])
def test_complement_bayes_is_exact_for_two_classes_and_for_three(norm, cancer, wine, prove):
    for rows, kind in (cancer, wine):
        model = make_pipeline(MinMaxScaler(), ComplementNB(norm=norm)).fit(rows[:120], kind[:120])
        prove(model, rows[:120], hard(rows).abs())


def prepared():
    filled = make_pipeline(SimpleImputer(strategy="median"), MinMaxScaler(clip=True))
    return ColumnTransformer([("n", filled, numbers), ("c", OneHotEncoder(handle_unknown="ignore"), texts)])


@pytest.mark.parametrize("model", [ComplementNB(), SGDClassifier(loss="modified_huber", random_state=0)], ids=str)
def test_they_are_exact_behind_categories_and_missing_values(model, credit, prove):
    rows, status = credit
    prove(make_pipeline(prepared(), model).fit(rows[:1500], status[:1500]), rows[:1500], rows[1500:])


KERNELS = [
    RBF(2.0) + WhiteKernel(0.1),
    RBF(np.arange(1.0, 11.0)) + WhiteKernel(0.1),
    2.0 * RBF(3.0) + 0.5 * RationalQuadratic() + WhiteKernel(0.2),
    RationalQuadratic() + WhiteKernel(0.1),
    Matern(nu=0.5) + WhiteKernel(0.1),
    Matern(nu=1.5) + WhiteKernel(0.1),
    None,
]


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_a_gaussian_process_is_exact(kernel, diabetes, prove):
    rows, progress = diabetes
    model = make_pipeline(StandardScaler(), GaussianProcessRegressor(kernel, optimizer=None))
    prove(model.fit(rows[:250], progress[:250]), rows[:250], hard(rows, 600))


def test_a_gaussian_process_on_a_standardized_target_is_exact(diabetes, prove):
    rows, progress = diabetes
    process = GaussianProcessRegressor(RBF(2.0) + WhiteKernel(0.1), optimizer=None)
    model = make_pipeline(StandardScaler(), TransformedTargetRegressor(process, transformer=StandardScaler()))
    prove(model.fit(rows[:250], progress[:250]), rows[:250], hard(rows, 600))


def test_two_spliced_parts_in_one_graph_keep_apart(cancer, prove):
    rows, benign = cancer
    members = [("counts", ComplementNB()), ("line", SGDClassifier(loss="modified_huber", random_state=0))]
    stack = StackingClassifier(members, LogisticRegression(), stack_method="predict_proba", cv=2)
    model = make_pipeline(MinMaxScaler(), stack).fit(rows[:300], benign[:300])
    prove(model, rows[:300], hard(rows, 500))


def test_a_spliced_model_converts_to_the_same_bytes(cancer):
    rows, benign = cancer
    model = make_pipeline(MinMaxScaler(), ComplementNB()).fit(rows, benign)
    first, second = (SklearnFramework().convert(model, rows, target="benign") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("inner", [SGDClassifier(loss="log_loss", random_state=0), LogisticRegression()], ids=str)
def test_one_against_the_rest_is_exact_by_our_own_rule_where_all_probabilities_vanish(inner, wine, prove):
    rows, kind = wine
    model = make_pipeline(StandardScaler(), OneVsRestClassifier(inner)).fit(rows[:120], kind[:120])
    converted = prove(model, rows[:120], hard(rows))
    assert converted.signature.classes == ("0", "1", "2")


def test_one_against_the_rest_of_several_labels_is_refused(iris):
    rows, kind = iris
    model = OneVsRestClassifier(LogisticRegression()).fit(rows, np.column_stack([kind == 0, kind >= 1]).astype(int))
    with pytest.raises(NotConvertibleError, match="OneVsRestClassifier predicts several labels a row"):
        SklearnFramework().convert(model, rows, target="y")


def process(kernel, **options):
    return make_pipeline(StandardScaler(), GaussianProcessRegressor(kernel, optimizer=None, **options))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (process(RBF(2.0) + WhiteKernel(0.1), normalize_y=True), "normalize_y=True; set normalize_y=False and wrap it"),
        (process(DotProduct() + WhiteKernel()), "uses the kernel DotProduct"),
        (process(1.5 * Matern(nu=2.5) + WhiteKernel()), "uses the kernel Matern"),
        (process(RBF(4.0) + WhiteKernel(1e-7)), "weights so large that rounding alone moves .*; fit it with a greater"),
    ],
    ids=["normalized", "dot", "matern", "noiseless"],
)
def test_a_gaussian_process_off_the_list_is_refused_with_the_remedy(model, reason, diabetes):
    rows, progress = diabetes
    with pytest.raises(NotConvertibleError, match=reason) as caught:
        SklearnFramework().convert(model.fit(rows[:250], progress[:250]), rows[:250], target="y")
    assert "GaussianProcessRegressor (step 'gaussianprocessregressor')" in str(caught.value)


def test_several_targets_are_refused(diabetes):
    rows, progress = diabetes
    model = GaussianProcessRegressor(optimizer=None).fit(rows, np.column_stack([progress, progress]))
    with pytest.raises(NotConvertibleError, match="predicts several targets; fit one model a target"):
        SklearnFramework().convert(model, rows, target="y")


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (SGDClassifier(loss="modified_huber"), "modified_huber' and more than two classes; use loss='log_loss'"),
        (KNeighborsClassifier(), "KNeighborsClassifier has no exact form in the graph"),
    ],
    ids=["three classes", "neighbors"],
)
def test_what_skl2onnx_writes_inexactly_is_refused(model, reason, wine):
    rows, kind = wine
    with pytest.raises(NotConvertibleError, match=reason):
        SklearnFramework().convert(model.fit(rows, kind), rows, target="y")


def test_a_single_column_is_refused(cancer):
    rows, benign = cancer
    model = make_pipeline(StandardScaler(), SGDClassifier(loss="modified_huber")).fit(rows[["mean area"]], benign)
    with pytest.raises(NotConvertibleError, match="reads a single column"):
        SklearnFramework().convert(model, rows[["mean area"]], target="y")


class Hurried(ComplementNB):
    """Bears a name that skl2onnx does not know."""


def test_what_skl2onnx_fails_on_is_refused_by_name(cancer):
    rows, benign = cancer
    with pytest.raises(NotConvertibleError, match=r"Hurried is written by skl2onnx, which failed \(Missing"):
        SklearnFramework().convert(Hurried().fit(rows, benign), rows, target="y")


def never_ready() -> bytes:
    time.sleep(60)
    return b""


def no_answer() -> bytes:
    sys.exit(3)


@pytest.mark.parametrize(
    ("work", "reason"), [(never_ready, "which took longer than 0.2 seconds"), (no_answer, "which ended its process")]
)
def test_a_converter_that_hangs_or_dies_is_ended_and_named(work, reason, cancer):
    emitter = Emitter(Inputs(cancer[0], {}), transformers={}, answers={}, decisions={})
    with pytest.raises(NotConvertibleError, match=reason):
        onnx_of(emitter, ComplementNB(), work, limit_s=0.2)


WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "skl2onnx":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.errors import NotConvertibleError

rows, kind = load_iris(return_X_y=True, as_frame=True)
SklearnFramework().convert(LogisticRegression(max_iter=500).fit(rows, kind), rows, target="kind")
try:
    SklearnFramework().convert(ComplementNB().fit(rows, kind), rows, target="kind")
except NotConvertibleError as error:
    print(error)
"""


def test_without_skl2onnx_the_part_and_the_extra_are_named_and_the_rest_converts():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "ComplementNB needs skl2onnx to be written; pip install 'golive[convert]'"
