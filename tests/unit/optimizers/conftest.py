"""Fitted models as subjects of optimization."""

import numpy as np
import pytest

from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.inference.front import compile_front
from golive.inference.table import columns_of
from golive.ports import Subject


@pytest.fixture
def answers_of():
    """Give a function: a graph and its rows in, its answers out."""

    def answers(graph, numbers, codes=None):
        codes = np.zeros((len(numbers), 0), np.int64) if codes is None else codes
        return OnnxRuntime().open(graph, threads=1).run(numbers, codes)

    return answers


@pytest.fixture
def subject_of(answers_of):
    """Give a function: a fitted model and a data frame in, what an optimizer is given out."""

    def subject(model, frame):
        converted = SklearnFramework().convert(model, frame, target="target")
        front = compile_front(converted.preparation, converted.signature)
        numbers, codes = front.columns(columns_of(converted.signature, {name: frame[name] for name in frame.columns}))
        return Subject(
            graph=converted.graph,
            preparation=converted.preparation,
            task=converted.signature.task,
            numbers=numbers,
            codes=codes,
            answers=answers_of(converted.graph, numbers, codes),
            seed=1,
        )

    return subject
