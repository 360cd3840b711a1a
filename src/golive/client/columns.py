"""Columns: the values of one column in, an array of numbers or plain JSON values out."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from golive.client.table import Values
from golive.errors import InvalidRowError
from golive.inference.values import not_finite, text_of

Plain = list[bool | int | float | str | None]

NUMBERS: dict[str, np.dtype[Any]] = {
    "FP64": np.dtype("<f8"),
    "FP32": np.dtype("<f4"),
    "FP16": np.dtype("<f2"),
    "INT64": np.dtype("<i8"),
    "INT32": np.dtype("<i4"),
    "INT16": np.dtype("<i2"),
    "INT8": np.dtype("i1"),
    "UINT64": np.dtype("<u8"),
    "UINT32": np.dtype("<u4"),
    "UINT16": np.dtype("<u2"),
    "UINT8": np.dtype("u1"),
}
"""The protocol's data types of numbers that have an array type."""
_EXACT = 2.0**53
_BITS_64 = range(-(2**63), 2**64)


def array_of(column: Values | None) -> npt.NDArray[Any] | None:
    """Give a column as an array of one type, or None where no type holds all its values exactly.

    In a list of numbers None becomes NaN.
    """
    if column is None or isinstance(column, np.ndarray):
        return column
    kinds = set(map(type, column))
    try:
        if kinds <= {int}:
            return np.array(column, dtype=np.int64)
        if kinds <= {int, float, type(None)}:
            floats = np.array(column, dtype=np.float64)
            # Beyond 2**53 a whole number may have been rounded.
            return None if int in kinds and (np.abs(floats) >= _EXACT).any() else floats
    except OverflowError:
        return None
    return np.array(column, dtype=np.bool_) if kinds == {bool} else None


def exact(array: npt.NDArray[Any] | None, dtype: np.dtype[Any]) -> npt.NDArray[Any] | None:
    """Cast an array of numbers; None where it is of something else, or where a whole number would be lost.

    Into floats, numbers are rounded as that type has them.
    """
    if array is None or array.dtype.kind not in "fiu":
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return array.astype(dtype, copy=False)
    if np.can_cast(array.dtype, dtype):
        return array.astype(dtype, copy=False)
    bounds = np.iinfo(dtype)
    # The bound above is a power of two, which a float holds exactly; the largest number itself may not be one.
    fits = (array >= float(bounds.min)) & (array < float(int(bounds.max) + 1))
    if array.dtype.kind == "f":
        fits &= array == np.floor(array)
    return array.astype(dtype, copy=False) if fits.all() else None


def plain(name: str, column: Values) -> Plain:
    """Give the values of a column as JSON has them: NaN and the markers of data frames are None, dates are texts.

    Raises:
        InvalidRowError: a value is neither a number, a text, a bool, a date nor missing.
    """
    dated = isinstance(column, np.ndarray) and column.dtype.kind in "mM"
    values = column.tolist() if isinstance(column, np.ndarray) and not dated else column
    return [_plain(value, name, row) for row, value in enumerate(values)]


def _plain(value: Any, name: str, row: int) -> bool | int | float | str | None:
    if isinstance(value, np.generic) and value.dtype.kind not in "mM":
        value = value.item()
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    is_date = hasattr(value, "isoformat") or isinstance(value, np.datetime64)
    if is_date or isinstance(value, str) or type(value).__name__ == "NAType":
        return text_of(value)
    message = (
        f"column {name!r} has a value of type {type(value).__name__}; give numbers, texts, bools, dates, "
        "or None where one is missing"
    )
    raise InvalidRowError(message, field=f"$[{row}].{name}")


def sendable(values: Plain, name: str) -> Plain:
    """Give plain values back, if JSON can carry them.

    Raises:
        InvalidRowError: a number is infinite or beyond 64 bits; ``field`` says in which row.
    """
    for row, value in enumerate(values):
        if isinstance(value, float) and math.isinf(value):
            raise InvalidRowError(not_finite(name, value), field=f"$[{row}].{name}")
        if isinstance(value, int) and value not in _BITS_64:
            message = f"column {name!r} has a whole number beyond what 64 bits hold; send a smaller one"
            raise InvalidRowError(message, field=f"$[{row}].{name}")
    return values
