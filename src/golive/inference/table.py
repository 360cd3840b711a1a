"""Table: arrays of any kind in, columns in the canonical form out.

Canonical: numbers and bools are float64 with NaN for missing; texts are object arrays of str and None.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, RequestError
from golive.inference.values import MISSING, not_finite, number_of, text_of
from golive.ports import Column, Float64

Columns = Mapping[str, Column]

_PLAIN_NUMBERS = frozenset({float, int, bool, type(None)})
_PLAIN_TEXTS = frozenset({str, type(None)})


def columns_of(signature: Signature, table: Mapping[str, Any]) -> dict[str, Column]:
    """Bring the input columns of a table into the canonical form, in the order of the signature.

    Takes anything ``numpy.asarray`` takes, data-frame columns included; other columns are left out. A column
    that may be missing as a whole (its field is nullable) is filled with "missing".

    Raises:
        RequestError: a required column is not in the table, or the columns differ in length.
        InvalidRowError: a text in a number column, or a number that is not finite.
    """
    rows = _row_count(table, signature)
    return {field.name: _column_or_missing(field, table, rows) for field in signature.inputs}


def number_column(name: str, values: Sequence[Any]) -> Float64:
    """Give a list of values as float64 ``[n]``; None is missing.

    Raises:
        InvalidRowError: a value is not a finite number; ``field`` says in which row.
    """
    if _PLAIN_NUMBERS.issuperset(map(type, values)):
        try:
            column = np.array(values, dtype=np.float64)
        except OverflowError:
            return _number_by_number(name, values)
        return _without_infinities(name, column)
    return _number_by_number(name, values)


def text_column(values: Sequence[Any]) -> Column:
    """Give a list of values as an object array ``[n]`` of str and None."""
    column = np.empty(len(values), dtype=object)
    column[:] = values if _PLAIN_TEXTS.issuperset(map(type, values)) else [text_of(value) for value in values]
    return column


def canonical_column(field: Field, values: Any) -> Column:
    """Bring one column into the canonical form of its field.

    Raises:
        RequestError: the values are not one for each row.
        InvalidRowError: a text in a number column, or a number that is not finite.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        message = f"column {field.name!r} has the shape {array.shape}, but one value for each row is needed"
        raise RequestError(message, field=field.name)
    # As plain objects, dates would be counts of nanoseconds.
    listed = list(array) if array.dtype.kind in "mM" else None
    if field.dtype == "string":
        return text_column(array.tolist() if listed is None else listed)
    if array.dtype.kind in "fiub":
        return _without_infinities(field.name, array.astype(np.float64, copy=False))
    return number_column(field.name, array.tolist() if listed is None else listed)


def _column_or_missing(field: Field, table: Mapping[str, Any], rows: int) -> Column:
    if field.name in table:
        return canonical_column(field, table[field.name])
    if not field.nullable:
        raise RequestError(_absent(field.name, tuple(table)), field=field.name)
    return text_column([None] * rows) if field.dtype == "string" else np.full(rows, MISSING)


def _row_count(table: Mapping[str, Any], signature: Signature) -> int:
    lengths = {name: len(table[name]) for name in signature.names if name in table}
    if len(set(lengths.values())) > 1:
        message = f"the columns differ in length ({lengths}); every column needs one value for each row"
        raise RequestError(message)
    return next(iter(lengths.values()), 0)


def _absent(name: str, found: tuple[str, ...]) -> str:
    near = get_close_matches(name, [str(other) for other in found], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"found are {', '.join(map(repr, found)) or 'none'}"
    return f"column {name!r} is required but not in the table; {hint}"


def _without_infinities(name: str, column: Float64) -> Float64:
    infinite = np.isinf(column)
    if infinite.any():
        row = int(infinite.argmax())
        raise InvalidRowError(not_finite(name, float(column[row])), field=f"$[{row}].{name}")
    return column


def _number_by_number(name: str, values: Sequence[Any]) -> Float64:
    column = np.empty(len(values), dtype=np.float64)
    for row, value in enumerate(values):
        try:
            column[row] = number_of(value, name)
        except InvalidRowError as error:
            raise InvalidRowError(error.message, field=f"$[{row}].{name}") from None
    return column
