"""Trees as tables: every decision is that of the trees, at thresholds, beside them, for missing and unseen values."""

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from numpy_backend import NumpyBackend, held
from onnx import helper, numpy_helper
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.adapters.graphs.program import Program
from golive.adapters.graphs.tree_ensemble import AVERAGE, read
from golive.adapters.graphs.tree_tables import tables
from golive.errors import NotConvertibleError


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"a": rng.normal(size=300), "b": rng.choice(["u", "v", "w"], 300), "c": rng.normal(size=300)})
    frame.loc[::7, "a"] = np.nan
    return frame


@pytest.fixture(scope="module")
def boosted(rows):
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(
        make_column_transformer((encoder, ["b"]), remainder="passthrough"),
        HistGradientBoostingClassifier(max_iter=6, categorical_features=[0], random_state=0),
    )
    model.fit(rows, np.where((rows.b == "u") ^ (rows.c > 0), "yes", "no"))
    return SklearnFramework().convert(model, rows, target="t").graph


def attributes_of(graph):
    model = onnx.load_model_from_string(graph)
    node = next(node for node in model.graph.node if node.op_type == "TreeEnsemble")
    found = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return {
        name: numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
        for name, value in found.items()
    }


def test_sets_thresholds_and_missing_values_go_where_the_trees_send_them(boosted):
    splits = np.unique(attributes_of(boosted)["nodes_splits"])
    near = np.concatenate([splits, np.nextafter(splits, np.inf), np.nextafter(splits, -np.inf), [np.nan, 1e300]])
    numbers = np.stack([np.resize(near, 400), np.resize(near[::-1], 400)], axis=1)
    codes = np.resize(np.arange(5), (400, 1)).astype(np.int64)
    wanted = onnxruntime.InferenceSession(boosted).run(None, {"N": numbers, "C": codes})[0]
    found = Program(boosted).run(NumpyBackend(), held({"N": numbers, "C": codes}))["P"].array
    assert abs(found - wanted).max() < 1e-12


def test_a_forest_of_numbers_is_the_mean_of_its_trees(rows):
    numbers = rows[["c"]].to_numpy()
    model = RandomForestRegressor(5, max_depth=4, random_state=0).fit(rows[["c"]], rows.c**2)
    graph = SklearnFramework().convert(model, rows[["c"]], target="t").graph
    found = Program(graph).run(NumpyBackend(), held({"N": numbers}))["P"].array
    assert abs(found[:, 0] - model.predict(rows[["c"]])).max() < 1e-12


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"post_transform": 1}, "transforms by 1, where sums and averages"),
        ({"aggregate_function": 3}, "aggregates by 3 and transforms by 0"),
        ({"nodes_trueleafs": [0] * 1000, "nodes_truenodeids": [0] * 1000}, "leads back to itself"),
        ({"membership_values": np.array([0.5, np.nan] * 1000)}, "sets of values that are no small codes"),
    ],
)
def test_a_form_without_tables_is_refused(boosted, change, says):
    attributes = attributes_of(boosted)
    count = len(attributes["nodes_modes"])
    if "membership_values" in change:
        attributes["nodes_modes"] = np.full(count, 6)
    cut = {name: value[:count] if isinstance(value, list) else value for name, value in change.items()}
    with pytest.raises(NotConvertibleError, match=says):
        tables(read(attributes | cut))


def test_an_average_is_shared_by_the_trees(boosted):
    ensemble = read(attributes_of(boosted) | {"aggregate_function": AVERAGE})
    assert tables(ensemble).share == pytest.approx(1 / ensemble.trees)
