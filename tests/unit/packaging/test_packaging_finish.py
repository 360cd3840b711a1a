"""Finish: what an author says of a model's answers is written into the bundle, or refused where it does not fit."""

import numpy as np
import pytest

from golive.domain.bundle import Decision
from golive.domain.preparation import Preparation
from golive.domain.signature import Field, Signature
from golive.errors import NotConvertibleError, UsageError
from golive.inference.road import open_road
from golive.packaging.build import assemble
from golive.packaging.finish import UNFINISHED, Finish, finished, finished_original
from golive.ports import Converted

INPUTS = (Field(name="x", dtype="float64"),)


def converted(classes=("0", "1"), dtype="int64", graph=b"", **values):
    task = "classification" if classes else "regression"
    signature = Signature(inputs=INPUTS, task=task, target="y", classes=tuple(classes), class_dtype=dtype)
    return Converted(graph=graph, preparation=Preparation(numbers=("x",)), signature=signature, **values)


def test_without_a_word_a_model_answers_in_its_own_way():
    model = converted(decision=Decision(threshold=0.7))
    assert finished(model, UNFINISHED) == model
    assert finished_original(len, UNFINISHED) is len


def test_a_threshold_decides_between_two_classes(linear_graph, runtime):
    model = finished(converted(graph=linear_graph([1.0], sigmoid=True)), Finish(threshold=0.3))
    road = open_road(assemble("m", model), model.graph, runtime)
    assert road.labels(np.array([[0.75, 0.25], [0.65, 0.35], [0.7, 0.3]])) == [0, 1, 0]


@pytest.mark.parametrize(
    ("dtype", "classes", "named"),
    [
        ("int64", ("0", "1"), {0: "stays", 1: "leaves"}),
        ("int64", ("0", "1"), {"0": "stays", "1": "leaves"}),
        ("int64", ("0", "1"), {False: "stays", 1.0: "leaves"}),
        ("bool", ("False", "True"), {False: "stays", True: "leaves"}),
        ("bool", ("False", "True"), {"false": "stays", "True": "leaves"}),
        ("float64", ("0.0", "1.5"), {0: "stays", 1.5: "leaves"}),
        ("string", ("n", "y"), {"n": "stays", "y": "leaves"}),
    ],
)
def test_labels_are_named_anew_however_the_classes_are_written(dtype, classes, named):
    signature = finished(converted(classes, dtype), Finish(labels=named)).signature
    assert (signature.classes, signature.class_dtype) == (("stays", "leaves"), "string")
    assert (signature.known_as, signature.known_dtype) == (classes, dtype)
    assert signature.data_classes == classes


def test_a_class_that_is_not_named_keeps_its_name():
    assert finished(converted(("a", "b"), "string"), Finish(labels={"a": "good"})).signature.classes == ("good", "b")


@pytest.mark.parametrize(
    ("model", "finish", "words"),
    [
        (converted(("a", "b", "c")), Finish(threshold=0.3), "between two classes, but this model has 3"),
        (converted(), Finish(threshold=1.5), "is 1.5, but it is a probability"),
        (converted(), Finish(threshold=float("nan")), "is nan, but it is a probability"),
        (converted(()), Finish(threshold=0.3), "threshold is for models that answer with classes, but y is a number"),
        (converted(()), Finish(labels={0: "no"}), "labels is for models that answer with classes"),
        (converted(()), Finish(top_k=2), "top_k is for models that answer with classes"),
        (
            converted(),
            Finish(labels={2: "maybe"}),
            "class '2', which this model does not have; its classes are '0', '1'",
        ),
        (converted(), Finish(labels={0: "no", 1: "no"}), "two classes would be answered as 'no'"),
        (converted(), Finish(labels={0: "1", 1: "0"}), "'0' would be answered as '1', which is another class"),
        (converted(), Finish(labels={0: ""}), "label of class '0' is '', but a text is needed"),
        (converted(), Finish(labels={0: 7}), "label of class '0' is 7, but a text is needed"),
        (converted(), Finish(top_k=3), "top_k is 3, but this model has 2 classes"),
        (converted(), Finish(top_k=-1), "top_k is -1, but this model has 2 classes"),
        (converted(), Finish(target_transform="log"), "y is a class, which no transformation of numbers"),
        (converted((), graph=b"?"), Finish(target_transform="logit"), "'logit', but one of 'log', 'log1p', 'sqrt'"),
    ],
)
def test_a_word_that_does_not_fit_the_model_is_refused(model, finish, words, linear_graph):
    graph = linear_graph([1.0]) if model.graph else b""
    with pytest.raises(UsageError, match=words.replace("(", r"\(")):
        finished(Converted(graph=graph, preparation=model.preparation, signature=model.signature), finish)


def test_what_is_no_graph_takes_no_way_back():
    with pytest.raises(NotConvertibleError, match="wrap the model in TransformedTargetRegressor"):
        finished(converted((), graph=b"PK\x03\x04 an archive"), Finish(target_transform="log1p"))


def test_a_unit_stays_with_the_answers():
    model = finished(converted(()), Finish(unit="EUR"))
    assert assemble("m", model).signature.unit == "EUR"
