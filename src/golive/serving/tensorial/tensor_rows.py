"""Tensor rows: named arrays as one array of rows, so that queues and batches take them as they take a table's rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_TEXT_BYTES = 64
"""What a text takes, about: its own length is not looked at."""

Arrays = Mapping[str, npt.NDArray[Any]]


class TensorRows:
    """The tensors of one request, or the outputs of one run.

    It has what a batch asks of an array of rows: a length, slices, places to write slices to, ``np.concatenate`` and
    ``np.empty_like`` (numpy's ``__array_function__`` protocol, NEP 18). Slices are views.

    Args:
        arrays: by name. Where rows are counted along their first axis, that is equally long in all of them.
        count: the rows; 1 for a request that is never put beside another, whatever the axes of its arrays are.
    """

    __slots__ = ("arrays", "count")

    ndim = 1
    """One row after the other."""

    def __init__(self, arrays: Arrays, count: int) -> None:
        self.arrays = arrays
        self.count = count

    def __len__(self) -> int:
        return self.count

    @property
    def nbytes(self) -> int:
        """The memory that the values take."""
        return sum(
            array.size * _TEXT_BYTES if array.dtype == object else array.nbytes for array in self.arrays.values()
        )

    @property
    def shape(self) -> tuple[Any, ...]:
        """The number of rows, and then what must be equal of rows that stand beside each other."""
        return (self.count, *((name, array.dtype, array.shape[1:]) for name, array in self.arrays.items()))

    def __getitem__(self, piece: slice | npt.NDArray[np.int64]) -> "TensorRows":
        count = len(range(*piece.indices(self.count))) if isinstance(piece, slice) else len(piece)
        return TensorRows({name: array[piece] for name, array in self.arrays.items()}, count)

    def __setitem__(self, piece: slice, rows: "TensorRows") -> None:
        for name, array in self.arrays.items():
            array[piece] = rows.arrays[name]

    def __array_function__(
        self, function: Callable[..., Any], types: Any, given: Sequence[Any], named: Mapping[str, Any]
    ) -> Any:
        del types
        if function is np.concatenate:
            return _joined(given[0])
        if function is np.empty_like:
            return _room_for(given[0], named["shape"][0])
        return NotImplemented


def _joined(parts: Sequence[TensorRows]) -> TensorRows:
    arrays = {name: np.concatenate([part.arrays[name] for part in parts]) for name in parts[0].arrays}
    return TensorRows(arrays, sum(part.count for part in parts))


def _room_for(rows: TensorRows, count: int) -> TensorRows:
    return TensorRows({name: np.empty((count, *of.shape[1:]), of.dtype) for name, of in rows.arrays.items()}, count)
