"""Tensor rows: arrays that hold a row for each known answer, asked about in batches of bounded memory."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np

from golive.control.packing.tensors import OpenTensors
from golive.domain.signature import Signature, Tensor
from golive.errors import DataError
from golive.inference.feeds import tensor_text
from golive.ports import Arrays, Column

_VALUES_AT_ONCE = 32_768
_MOST_AT_ONCE = 256

Keep = Callable[[Column], Column]


class TensorRows(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Rows of several tensors."""

    table: Arrays
    """Input -> an array whose first axis is the rows."""
    axes: Mapping[str, int]
    """Input -> which of its axes the graph has the rows on."""
    whole: Arrays = {}
    """Inputs that belong to no row, such as a rate, which go with every question."""
    batch: int
    """Rows that are asked about at once."""
    filled: bool = False
    """Whether the graph takes exactly so many."""

    def feeds(self, table: Arrays) -> dict[str, Column]:
        """Give the tensors of one question about at most a batch of rows."""
        count = len(next(iter(table.values())))
        short = self.batch - count if self.filled else 0
        full = {name: np.concatenate([array, np.repeat(array[-1:], short, axis=0)]) if short else array
                for name, array in table.items()}  # fmt: skip
        return {name: np.moveaxis(array, 0, self.axes[name]) for name, array in full.items()} | dict(self.whole)

    def first(self, rows: int) -> dict[str, Column]:
        """Give so many rows; few are repeated."""
        places = np.arange(rows) % len(next(iter(self.table.values())))
        return {name: array[places] for name, array in self.table.items()}


def tensor_rows(signature: Signature, arrays: Arrays, rows: int) -> TensorRows:
    """Find the rows of a model's inputs.

    Raises:
        DataError: an input is absent, or does not hold so many rows.
    """
    absent = [tensor.name for tensor in signature.tensors if tensor.name not in arrays]
    if absent:
        held = ", ".join(f"{name} {array.dtype} {list(array.shape)}" for name, array in arrays.items())
        wanted = ", ".join(map(tensor_text, signature.tensors))
        message = f"the input {absent[0]!r} is not among the arrays ({held}); the model takes {wanted}"
        raise DataError(message)
    if not rows:
        message = "there are no rows, as the truth is empty; give at least one"
        raise DataError(message)
    axes = {tensor.name: _row_axis(tensor, arrays[tensor.name], rows) for tensor in signature.tensors}
    rowed = {name: axis for name, axis in axes.items() if axis is not None}
    if not rowed:
        shown = ", ".join(f"{name} {list(arrays[name].shape)}" for name in axes)
        message = f"no input holds a row for each of the {rows} known answers ({shown}); give as many of both"
        raise DataError(message)
    table = {name: np.moveaxis(arrays[name], axis, 0) for name, axis in rowed.items()}
    lengths = {tensor.name: tensor.shape[rowed[tensor.name]] for tensor in signature.tensors if tensor.name in rowed}
    fixed = {length for length in lengths.values() if length is not None}
    if len(fixed) > 1:
        message = f"the graph takes different numbers of rows at once ({lengths}), so rows cannot be told apart"
        raise DataError(message)
    values = sum(array[:1].size for array in table.values())
    return TensorRows(
        table=table,
        axes=rowed,
        whole={name: arrays[name] for name, axis in axes.items() if axis is None},
        batch=fixed.pop() if fixed else int(np.clip(_VALUES_AT_ONCE // max(values, 1), 1, _MOST_AT_ONCE)),
        filled=bool(set(lengths.values()) - {None}),
    )


def answers_of(opened: OpenTensors, rows: TensorRows, output: str, *, keep: Keep, table: Any = None) -> Column:
    """Ask about rows, and give what ``keep`` leaves of an output, ``[n, ...]``.

    ``table`` holds other rows of the same inputs.

    Raises:
        DataError: the output has no row for each that was asked about.
        RequestError: an array is not what the signature says, or cannot go through the graph.
    """
    asked: Arrays = rows.table if table is None else table
    count = len(next(iter(asked.values())))
    parts = []
    for start in range(0, count, rows.batch):
        part = {name: array[start : start + rows.batch] for name, array in asked.items()}
        here = min(rows.batch, count - start)
        given = np.asarray(opened.run(rows.feeds(part))[output])
        if given.ndim == 0 or len(given) != (rows.batch if rows.filled else here):
            message = (
                f"the answer {output!r} has the shape {list(given.shape)} for {here} rows, so it does not have a row "
                "for each; choose another output"
            )
            raise DataError(message)
        parts.append(keep(given[:here]))
    if len({part.shape[1:] for part in parts}) > 1:
        message = f"the answers in {output!r} have other shapes for other rows, so they cannot be measured together"
        raise DataError(message)
    return np.concatenate(parts)


def _row_axis(tensor: Tensor, array: Column, rows: int) -> int | None:
    """Give the axis of rows; None where the input is the same for all."""
    if len(array.shape) != len(tensor.shape):
        message = f"{tensor.name!r} has the shape {list(array.shape)}, and the model takes {tensor_text(tensor)}"
        raise DataError(message)
    if array.ndim and len(array) == rows:
        return 0
    for axis, length in enumerate(tensor.shape):
        if length is None and array.shape[axis] == rows:
            return axis
    if None not in tensor.shape[:1] and tuple(tensor.shape) == array.shape:
        return None
    message = (
        f"{tensor.name!r} has the shape {list(array.shape)}, but there are {rows} known answers; give one row for each"
    )
    raise DataError(message)
