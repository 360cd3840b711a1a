"""Projections, kernels and envelopes answer like the originals, or are refused by name."""

import numpy as np
import pytest
from proved import proved
from sklearn.cluster import FeatureAgglomeration, MeanShift
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import FactorAnalysis, FastICA, KernelPCA
from sklearn.isotonic import IsotonicRegression
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, SGDOneClassSVM
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.errors import NotConvertibleError

TRANSFORMERS = {
    "factors": FactorAnalysis(2),
    "independent": FastICA(2, random_state=0),
    "independent_not_whitened": FastICA(whiten=False, random_state=0),
    "random": GaussianRandomProjection(3, random_state=0),
    "sparse": SparseRandomProjection(3, random_state=0, density=0.5),
    "neighborhood": NeighborhoodComponentsAnalysis(2, max_iter=20, random_state=0),
    "groups": FeatureAgglomeration(2),
    "kernel_lines": KernelPCA(3),
    "kernel_rbf": KernelPCA(3, kernel="rbf"),
    "kernel_powers": KernelPCA(3, kernel="poly", degree=2),
    "nystroem": Nystroem(n_components=20, random_state=0),
    "nystroem_powers": Nystroem(kernel="poly", degree=2, coef0=0.5, n_components=20, random_state=0),
    "waves": RBFSampler(n_components=30, random_state=0),
}


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_what_a_transformer_hands_on_is_the_same(name, iris):
    rows, kind = iris
    model = make_pipeline(StandardScaler(), TRANSFORMERS[name], LogisticRegression(max_iter=500)).fit(rows, kind)
    _, proof = proved(SklearnFramework(), model, rows, rows, within=1e-9)
    assert proof.details["unanswered_rows"] == 0


@pytest.mark.parametrize("kernel", ["linear", "rbf", "poly", "sigmoid"])
def test_kernel_ridge_answers_like_the_original(kernel, iris):
    rows, kind = iris
    values = rows.to_numpy()[:, 0] + np.asarray(kind == kind[0], np.float64)
    proved(
        SklearnFramework(), make_pipeline(StandardScaler(), KernelRidge(kernel=kernel)).fit(rows, values), rows, rows
    )


@pytest.mark.parametrize("model", [EllipticEnvelope(random_state=0), SGDOneClassSVM(random_state=0)], ids=str)
def test_a_detector_s_decision_is_the_same(model, iris):
    rows, _ = iris
    model.fit(rows)
    framework = SklearnFramework()
    proved(framework, model, rows, rows)
    np.testing.assert_array_equal(np.where(framework.predict(model, rows)[:, 0] < 0, -1, 1), model.predict(rows))


def test_isotonic_regression_of_one_column_is_the_same(iris):
    rows, _ = iris
    one = rows.iloc[:, [0]]
    model = IsotonicRegression(out_of_bounds="clip").fit(one, rows.iloc[:, 2])
    proved(SklearnFramework(), model, one, one)


def test_mean_shift_s_clusters_are_classes(iris):
    rows, _ = iris
    converted, _ = proved(SklearnFramework(), MeanShift(bandwidth=1.0).fit(rows), rows, rows)
    assert converted.signature.classes[:2] == ("0", "1")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (IsotonicRegression(), "has no answer beyond its points with out_of_bounds='nan'; set it to 'clip'"),
        (KernelRidge(kernel="laplacian"), "uses the kernel 'laplacian'; use rbf, linear, poly or sigmoid"),
        (make_pipeline(FeatureAgglomeration(1, pooling_func=np.max), KernelRidge()), "pools by a function of its own"),
    ],
    ids=["isotonic", "kernel", "pooling"],
)
def test_what_has_no_exact_form_is_refused_with_the_remedy(model, words, iris):
    rows, _ = iris
    given = rows.iloc[:, [0]] if isinstance(model, IsotonicRegression) else rows
    with pytest.raises(NotConvertibleError, match=words):
        SklearnFramework().convert(model.fit(given, rows.iloc[:, 2]), given, target="y")


def test_several_targets_are_refused(iris):
    rows, _ = iris
    model = KernelRidge().fit(rows, rows.iloc[:, :2])
    with pytest.raises(NotConvertibleError, match="KernelRidge predicts 2 targets; fit one model a target"):
        SklearnFramework().convert(model, rows, target="y")
