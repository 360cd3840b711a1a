"""Tensor inputs: the values of a request's tensors in, what a lane takes out; for every door that takes tensors.

A model shows one tensor for each field of its signature. One whose fields are all numbers also takes a single fused
tensor with a column for each.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from golive.domain.signature import Field, Signature
from golive.errors import RequestError
from golive.inference.front import FEW_ROWS
from golive.inference.table import number_column, text_column
from golive.inference.values import MISSING
from golive.ports import Column
from golive.serving.codecs.codec import Columns, Given, some
from golive.serving.codecs.raw_tensors import ACCEPTED, wrong_datatype

FUSED = "input"
"""The name of the one tensor that holds all number fields."""

DATATYPES = {"float64": "FP64", "int64": "INT64", "bool": "BOOL", "string": "BYTES"}
"""The protocol's name of each data type."""

Values = list[Any] | npt.NDArray[Any]
"""The values of one tensor, flat: a list with None for missing, or an array of the tensor's own data type."""


class TensorInputs:
    """Puts the tensors of a request together. Holds no state: safe from several threads."""

    def __init__(self, signature: Signature) -> None:
        self._fields = {field.name: field for field in signature.inputs}
        self._whole = [index for index, field in enumerate(signature.inputs) if field.dtype == "int64"]
        self.fuses = takes_fused(signature)
        """Whether the fused tensor is taken."""

    def field(self, name: str, datatype: str, shape: Sequence[int]) -> Field:
        """Give the field that a tensor is for.

        Raises:
            RequestError: there is none, or it wants another data type or shape.
        """
        field = self._fields.get(name)
        if field is None:
            near = get_close_matches(name[:100], self._fields, n=1, cutoff=0.5)
            guess = f"did you mean {near[0]!r}? " if near else ""
            message = f"there is no tensor {name[:100]!r}; {guess}{self._known()}"
            raise RequestError(message, field=name[:100])
        if datatype not in ACCEPTED[field.dtype]:
            raise wrong_datatype(name, datatype, field.dtype)
        if len(shape) != 1 and (len(shape) != 2 or shape[1] != 1):  # noqa: PLR2004  rows, or rows and one
            raise wrong_shape(name, "[n, 1] or [n]", shape)
        return field

    def check_fused(self, datatype: str, shape: Sequence[int]) -> int:
        """Check the data type and shape of the fused tensor, and give the number of its values.

        Raises:
            RequestError: one of them does not fit.
        """
        if datatype not in ACCEPTED["float64"]:
            raise wrong_datatype(FUSED, datatype, "float64")
        width = len(self._fields)
        if len(shape) != 2 or shape[1] != width:  # noqa: PLR2004  rows and columns
            raise wrong_shape(FUSED, f"[n, {width}] with the columns {', '.join(self._fields)}", shape)
        return shape[0] * width

    def named(self, columns: Mapping[str, Values]) -> Given:
        """Give the rows of tensors by name, each checked with ``field``; a NaN in an array is a missing number.

        Raises:
            RequestError: the tensors differ in length, hold no row, or one that is needed is not there.
            InvalidRowError: a number is beyond float64.
        """
        counts = {name: len(column) for name, column in columns.items()}
        if len(set(counts.values())) > 1:
            message = f"the tensors must have one length, got {counts}; send one value for each row"
            raise RequestError(message)
        count = next(iter(counts.values()), 0)
        for name, field in self._fields.items():
            if name not in columns and not field.nullable:
                message = f"the tensor {name!r} is missing; {self._known()}"
                raise RequestError(message, field=name)
        if count <= FEW_ROWS:
            missing = [None] * count
            listed = [_listed(field, columns.get(name, missing)) for name, field in self._fields.items()]
            return some(list(zip(*listed, strict=True)))
        return Columns({name: _column(field, columns.get(name), count) for name, field in self._fields.items()}, count)

    def fused(self, values: Values) -> Given:
        """Give the rows of a fused tensor's flat values; those of a float64 array are not copied.

        Raises:
            RequestError: there is no row, or a number with a fraction stands where whole numbers are wanted.
        """
        width = len(self._fields)
        if isinstance(values, list) and len(values) <= FEW_ROWS * width:
            one = len(values) == width
            rows = [values] if one else [values[start : start + width] for start in range(0, len(values), width)]
            for index in self._whole:
                if not all(row[index].is_integer() for row in rows):
                    raise self._not_whole(index)
            return some(rows)
        matrix = np.asarray(values, dtype=np.float64).reshape(-1, width)
        for index in self._whole:
            column = matrix[:, index]
            # A NaN is a missing number, which the field itself takes or refuses.
            if not np.all((np.floor(column) == column) | np.isnan(column)):
                raise self._not_whole(index)
        if len(matrix) <= FEW_ROWS:
            return some(matrix.tolist())
        return Columns(dict(zip(self._fields, matrix.T, strict=True)), len(matrix), matrix)

    def _known(self) -> str:
        known = ", ".join(f"{name} {DATATYPES[field.dtype]} [n, 1]" for name, field in self._fields.items())
        fused = f"; or one tensor {FUSED!r} FP64 [n, {len(self._fields)}]" if self.fuses else ""
        return f"the inputs are: {known}{fused}"

    def _not_whole(self, index: int) -> RequestError:
        name = tuple(self._fields)[index]
        message = f"column {index} of tensor {FUSED!r} ({name}) wants whole numbers"
        return RequestError(message, field=FUSED)


def takes_fused(signature: Signature) -> bool:
    """Say whether a model takes its fields as one tensor too: they are all numbers."""
    return all(field.dtype in {"float64", "int64"} for field in signature.inputs)


def wrong_shape(name: str, expected: str, shape: Sequence[int]) -> RequestError:
    """Say that a tensor wants another shape."""
    # A list of a million dimensions is not worth repeating.
    found = str(list(shape[:8]))[:200]
    return RequestError(f"tensor {name!r} wants shape {expected}, got {found}", field=name)


def _listed(field: Field, values: Values) -> list[Any]:
    if isinstance(values, list):
        return values
    # Whole numbers stay whole, as in JSON, where the field wants them.
    listed: list[Any] = (values.astype(np.float64, copy=False) if field.dtype == "float64" else values).tolist()
    return listed


def _column(field: Field, values: Values | None, count: int) -> Column:
    if field.dtype == "string":
        return values if isinstance(values, np.ndarray) else text_column([None] * count if values is None else values)
    if values is None:
        return np.full(count, MISSING)
    return number_column(field.name, values) if isinstance(values, list) else values.astype(np.float64, copy=False)
