"""Fitted models as roads, with the files of their bundles; Shapley values by their definition."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from golive.adapters.explainers.linear import LinearExplainer
from golive.adapters.explainers.tree import TreeExplainer
from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.inference.explaining.open import open_explainer
from golive.inference.road import open_road
from golive.inference.table import columns_of
from golive.packaging.build import assemble
from golive.packaging.explaining import explaining_files


class Bundled:
    """A fitted model, packaged."""

    def __init__(self, model, frame, *, rows=20, steps=()):
        converted = SklearnFramework().convert(model, frame, target="target")
        self.graph = converted.graph
        self.road = open_road(assemble("model", converted, steps=steps), converted.graph, OnnxRuntime())
        self.columns = columns_of(self.road.signature, {name: frame[name].to_numpy() for name in frame})
        explainers = (TreeExplainer(), LinearExplainer())
        self.files = explaining_files(self.road, converted.graph, self.columns, explainers, rows=rows)

    @property
    def explainer(self):
        return open_explainer(self.road, self.files)

    def rows(self, *places):
        return {name: column[list(places)] for name, column in self.columns.items()}


def log_odds(answers):
    return np.log(answers / answers[:, ::-1])


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for one another in a busy machine take longer than these small models."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def bundled():
    return Bundled


@pytest.fixture
def by_definition():
    """Give a function: contributions of one row, over all subsets of the columns, by asking the road itself."""

    def shapley(bundle, explained, background, place):
        road, count = bundle.road, len(bundle.road.signature.names)
        link = log_odds if explained.scale == "log_odds" else np.asarray
        worth = {}
        for chosen in itertools.product((False, True), repeat=count):
            rows = {
                name: np.repeat(bundle.columns[name][[place]], len(background[name])) if own else background[name]
                for name, own in zip(road.signature.names, chosen, strict=True)
            }
            worth[chosen] = link(road.columns(rows))[:, explained.outputs[0]].mean()
        found = np.zeros(count)
        for chosen, value in worth.items():
            for column in range(count):
                if not chosen[column]:
                    size = sum(chosen)
                    weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
                    found[column] += weight * (worth[(*chosen[:column], True, *chosen[column + 1 :])] - value)
        return found

    return shapley


@pytest.fixture
def table():
    """150 rows: two numbers, one of them sometimes missing, and a category; a value that mixes them."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "area": rng.normal(size=150),
            "age": np.where(rng.random(150) < 0.2, np.nan, rng.normal(size=150)),
            "kind": rng.choice(np.array(["x", "y", "z"], dtype=object), 150),
        }
    )
    value = frame["area"] + frame["age"].fillna(0.5) * (frame["kind"] == "x") + (frame["area"] > 0.5)
    return frame, value.to_numpy()
