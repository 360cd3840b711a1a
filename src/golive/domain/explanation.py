"""Explanation: how much each column of a row moved the answer away from the usual one."""

from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

Method = Literal["tree", "linear", "permutation"]
"""``tree`` and ``linear`` are exact; ``permutation`` is exact for few columns, else sampled."""

Scale = Literal["value", "log_odds", "probability"]
"""What the contributions add up to. Of more than two classes ``log_odds`` are logarithms of the probabilities, up to a
number that is the same for all classes of a row."""


class Explained(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Rows, explained: ``answers[i]`` is ``base[i] + contributions[i].sum()``, but for ``error``.

    Contributions are Shapley values of the game in which a column that does not take part has the values of the
    background rows (the "interventional" form; Lundberg et al. 2020, Janzing et al. 2020).
    """

    method: Method
    scale: Scale
    outputs: npt.NDArray[np.int64]
    """int64 ``[n]``: which class each row is explained for; 0 for a value."""
    given: npt.NDArray[np.float64]
    """float64 ``[n, k]``: the model's own answers to the rows, as its road gives them."""
    base: npt.NDArray[np.float64]
    """float64 ``[n]``: the mean answer over all background rows; of very big trees, over that many."""
    answers: npt.NDArray[np.float64]
    """float64 ``[n]``: the answer to each row."""
    contributions: npt.NDArray[np.float64]
    """float64 ``[n, inputs]``, in the order of the signature's inputs."""
    error: float
    """The greatest ``|answer - base - sum of contributions|``."""
    background_rows: int
    """How many background rows each row was compared with."""
    evaluations: int = 0
    """Answers that the model was asked for to explain a row; 0 where the model's own parts were read instead."""
    spread: npt.NDArray[np.float64] | None = None
    """float64 ``[n, inputs]``: the standard error of each contribution where they were sampled; None: exact."""
