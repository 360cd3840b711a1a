"""The proof of an isolated model: the same bits are the rule, last bits are told, and more is refused."""

import numpy as np
import pytest

from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation
from golive.domain.signature import Field, Signature
from golive.errors import ParityError
from golive.inference.road import open_road
from golive.packaging.isolated_proof import TOLERANCE, prove_isolated

ROWS = {"a": np.linspace(0.25, 1.0, 40)}
KINDS = ("no", "yes")


class Process:
    """A runtime that answers with a function of the numbers."""

    def __init__(self, function):
        self._function = function

    def open(self, graph, *, threads):
        return self

    def run(self, numbers, codes):
        return self._function(numbers[:, 0])


def values(numbers):
    return numbers.reshape(-1, 1).copy()


def shares(numbers):
    return np.column_stack([1.0 - numbers / 3, numbers / 3])


def proved(original, process, *, classes=()):
    task = "classification" if classes else "regression"
    signature = Signature(
        inputs=(Field(name="a", dtype="float64"),), task=task, target="y", classes=classes, class_dtype="string"
    )
    manifest = Manifest(name="m", signature=signature, preparation=Preparation(numbers=("a",)), runtime="isolated")
    return prove_isolated(
        lambda rows: original(rows["a"]),
        lambda start, stop: original(ROWS["a"][start:stop]),
        open_road(manifest, b"", Process(process)),
        ROWS,
        {"a": np.array([2.0, -1.0])},
    )


def test_the_same_bits_are_told_as_such():
    proof = proved(values, values)
    measure = proof.measures[0]
    assert (measure.value, measure.note, proof.details["tolerance"]) == (0.0, "the same bits", 0.0)
    assert proof.rows == 42


def test_last_bits_are_told_with_how_far_and_how_many():
    proof = proved(values, lambda numbers: np.nextafter(values(numbers), np.inf))
    measure = proof.measures[0]
    assert 0 < measure.value <= 2.3e-16
    assert measure.note.endswith(
        "answers differ in their last bits, which depend on how rows lie in memory; no decision"
    )
    assert proof.details["tolerance"] == TOLERANCE


def test_more_than_last_bits_is_refused_with_the_row():
    with pytest.raises(ParityError, match=r"for the row \{'a': 1.0\} the original gives \[1.0\], the isolated model"):
        proved(values, lambda numbers: values(numbers) + (numbers.reshape(-1, 1) == 1.0) * 1e-9)


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_no_last_bit(strange):
    with pytest.raises(ParityError, match="does not answer like the original"):
        proved(values, lambda numbers: np.where(numbers.reshape(-1, 1) == 1.0, strange, values(numbers)))


def test_another_decision_is_refused_however_near_the_numbers_are():
    def tied(numbers):
        return np.full((len(numbers), 2), 0.5)

    def tipped(numbers):
        return np.nextafter(tied(numbers), [0.0, 1.0])

    assert proved(tied, tied, classes=KINDS).measures[0].value == 0.0
    with pytest.raises(ParityError, match=r"the original gives \[0.5, 0.5\], the isolated model \[0.499"):
        proved(tied, tipped, classes=KINDS)


def test_probabilities_that_differ_in_last_bits_keep_their_decisions():
    proof = proved(shares, lambda numbers: shares(numbers) * (1 - 2e-16), classes=KINDS)
    assert 0 < proof.measures[0].value < TOLERANCE


def test_a_model_that_answers_no_row_alone_is_refused_and_one_that_answers_some_is_not():
    def squeezed(numbers):
        if len(numbers) == 1:
            message = "expected 2D array"
            raise ValueError(message)
        return values(numbers)

    def choosy(numbers):
        if (numbers == ROWS["a"][0]).all():
            message = "no neighbors"
            raise ValueError(message)
        return values(numbers)

    with pytest.raises(ParityError, match=r"not one of them alone \(expected 2D array\)"):
        proved(squeezed, squeezed)
    assert proved(choosy, choosy).rows == 42
