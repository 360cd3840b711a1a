"""Named tensors: whatever a network gives has names, or is refused with what to do."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from golive.adapters.frameworks.named_tensors import named
from golive.errors import NotConvertibleError

A, B = np.zeros(1), np.ones(2)


class Pair(NamedTuple):
    logits: Any
    hidden: Any


def names(answer, *, inputs=(), outputs=()):
    return list(named(answer, lambda part: isinstance(part, np.ndarray), inputs=inputs, outputs=outputs))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (A, ["output"]),
        ((A,), ["output"]),
        ([A, B], ["0", "1"]),
        ({"scores": A, "boxes": B}, ["scores", "boxes"]),
        (Pair(A, B), ["logits", "hidden"]),
        ((A, (A, B)), ["0", "1_0", "1_1"]),
        ({"y": A, "state": [A, B], "loss": None}, ["y", "state_0", "state_1"]),
    ],
)
def test_names_come_from_what_is_given(answer, expected):
    assert names(answer) == expected


def test_a_state_that_goes_in_comes_out_under_another_name():
    assert names({"y": A, "h": B}, inputs=("x", "h")) == ["y", "h_out"]


def test_names_may_be_given():
    found = named((A, B), lambda part: isinstance(part, np.ndarray), inputs=(), outputs=("first", "second"))
    assert found["second"] is B


@pytest.mark.parametrize(
    ("answer", "outputs", "told"),
    [
        ("text", (), "gives a str, and tensors are needed"),
        ((A, B), ("one",), "gives 2 tensors, and outputs=.'one',. names 1"),
        ((A, B), ("one", "one"), "would be called .'one', 'one'."),
        ({}, (), r"would be called \[\]"),
    ],
)
def test_what_has_no_names_is_refused(answer, outputs, told):
    with pytest.raises(NotConvertibleError, match=told):
        names(answer, outputs=outputs)
