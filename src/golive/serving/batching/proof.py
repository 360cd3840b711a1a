"""Proof: whether a model's outputs follow its rows, so that requests may run together."""

from collections.abc import Iterator

import msgspec
import numpy as np

from golive.ports import Float64, Int64
from golive.serving.batching.cost import Run

RELATIVE = 1e-9
ABSOLUTE = 1e-12
_ROWS = 16
"""How many rows are tried: each of them once alone."""


class RowProof(msgspec.Struct, frozen=True):
    """What was found."""

    follows: bool
    """Whether every row had the same outputs in any company."""
    is_exact: bool
    """Whether they were the same to the last bit."""
    reason: str
    """Why requests are not run together; empty when they may be."""


def follows_rows(run: Run, numbers: Float64, codes: Int64) -> RowProof:
    """Run rows alone, together, in other orders, and among other rows, and compare their outputs.

    Outputs are the same when they differ by at most 1e-9 of their size or 1e-12, and missing where the others are.
    Models exist whose first output axis is not the row, or whose outputs mix rows (a normalization over the batch, a
    rank): they must not be batched. What a model raises on a row alone passes through.

    Args:
        run: the model.
        numbers: float64 ``[n, numbers]``, at least one row, such as the examples of a bundle; the first 16 are used.
        codes: int64 ``[n, categories]`` of the same rows.
    """
    numbers, codes = _varied(numbers[:_ROWS], codes[:_ROWS])
    alone = []
    for row in range(len(numbers)):
        outputs = run(numbers[row : row + 1], codes[row : row + 1])
        if outputs.ndim != 2 or len(outputs) != 1:  # noqa: PLR2004  rows and outputs
            return _refused(f"it gives outputs of shape {list(outputs.shape)} for one row")
        alone.append(np.array(outputs[0]))
    if len({len(outputs) for outputs in alone}) > 1:
        return _refused("the number of its outputs is not the same for every row")
    expected = np.array(alone)
    is_exact = True
    for company in companies(len(numbers)):
        try:
            outputs = run(numbers[company], codes[company])
        except Exception as error:  # noqa: BLE001  engines have errors of their own
            return _refused(f"it fails on {len(company)} rows at once ({type(error).__name__})")
        wanted = expected[company]
        if outputs.shape != wanted.shape:
            return _refused(f"it gives outputs of shape {list(outputs.shape)} for {len(company)} rows")
        if not np.allclose(outputs, wanted, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True):
            return _refused("its outputs for a row depend on the rows beside it")
        is_exact = is_exact and np.array_equal(outputs, wanted, equal_nan=True)
    return RowProof(follows=True, is_exact=is_exact, reason="")


def companies(count: int) -> Iterator[Int64]:
    """Give the companies in which so many rows are tried: their indices, in many orders and numbers."""
    rows = np.arange(count)
    yield rows
    yield rows[::-1].copy()
    yield np.roll(rows, count // 3)
    yield np.repeat(rows, 2)
    yield np.concatenate([rows, rows[::-1], rows])
    # Each row as the first and the last of a small company, and of several sizes: runs of other kernels.
    for size in (2, 3, 5, 8):
        for start in range(0, count, size):
            yield rows[start : start + size]


def _varied(numbers: Float64, codes: Int64) -> tuple[Float64, Int64]:
    """Add rows that differ from the given ones, for company that is all alike would prove nothing."""
    index = np.arange(max(_ROWS, len(numbers))) % len(numbers)
    rounds = np.arange(len(index)) // len(numbers)
    return numbers[index] * (1.0 + rounds[:, None] / 8) + rounds[:, None], codes[index]


def _refused(what: str) -> RowProof:
    return RowProof(follows=False, is_exact=False, reason=f"the model is not batched: {what}")
