"""Every optimizer that golive ships keeps the promises of its port."""

import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from golive import plugins
from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.ports import Subject
from golive.testing import check_optimizer

NETWORK = MLPClassifier((12, 6), max_iter=800, random_state=0)
WIDE_NETWORK = MLPClassifier((40, 30), max_iter=800, random_state=0)
FOREST = RandomForestClassifier(8, max_depth=4, random_state=0)


def subject_of(model):
    rows, target = load_breast_cancer(return_X_y=True, as_frame=True)
    rows = pd.DataFrame((rows - rows.mean()) / rows.std())
    converted = SklearnFramework().convert(model.fit(rows, target), rows, target="benign")
    numbers, codes = rows.to_numpy(), np.zeros((len(rows), 0), np.int64)
    return Subject(
        graph=converted.graph,
        preparation=converted.preparation,
        task="classification",
        numbers=numbers,
        codes=codes,
        answers=OnnxRuntime().open(converted.graph, threads=1).run(numbers, codes),
        seed=0,
    )


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("graph", NETWORK),
        ("precision", NETWORK),
        ("int8", NETWORK),
        ("int4", WIDE_NETWORK),
        ("compact_trees", FOREST),
        ("fewer_trees", FOREST),
        ("distillation", FOREST),
    ],
)
def test_an_optimizer_keeps_its_promises(name, model):
    check_optimizer(plugins.load("optimizers", name), subject_of(model), OnnxRuntime())


def test_the_quick_ones_are_asked_first_and_distillation_last():
    efforts = {optimizer.name: optimizer.effort_s for optimizer in plugins.load_all("optimizers")}
    assert max(efforts, key=efforts.get) == "distillation"
    assert min(efforts, key=efforts.get) == "graph"


def test_other_runtimes_are_offered_where_they_open_the_graph():
    subject = subject_of(NETWORK)
    offered = [one.runtime for one in plugins.load("optimizers", "runtimes").candidates(subject)]
    assert "onnxruntime" not in offered
    assert set(offered) <= set(plugins.names("runtimes"))


@pytest.mark.skipif(not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="needs a C compiler (cc, gcc or clang)")
def test_trees_are_offered_compiled_as_they_are_and_compact():
    offered = list(plugins.load("optimizers", "runtimes").candidates(subject_of(FOREST)))
    assert [one.name for one in offered] == ["runtime compiled", "compact trees, runtime compiled"]
    assert {one.runtime for one in offered} == {"compiled"}
