"""Seen: rows as a model saw them in training in, their form and the fields that callers send out."""

from typing import Any, Literal

import numpy as np
import pandas as pd

from golive.domain.signature import DType, Field
from golive.errors import NotConvertibleError
from golive.packaging.isolated import Seen, SeenColumn

_MATRIX = 2


def seen_of(sample: Any) -> tuple[Seen, tuple[Field, ...]]:
    """Describe a DataFrame, or an array of numbers ``[n, columns]`` (its columns are then ``x0`` to ``xn``).

    A column is text when it holds text; its values are the known ones. A field is nullable when the sample has it
    missing.

    Raises:
        NotConvertibleError: a column holds something else than numbers, booleans or text.
    """
    if isinstance(sample, pd.DataFrame):
        columns = [_column(str(name), sample.iloc[:, position]) for position, name in enumerate(sample.columns)]
        seen = Seen(container="frame", columns=tuple(columns))
    else:
        array = np.asarray(sample)
        if array.ndim != _MATRIX or array.dtype.kind not in "fiub":
            message = (
                f"the sample is of the shape {array.shape} and holds {array.dtype}; "
                "give a data frame, or a 2-d array of numbers"
            )
            raise NotConvertibleError(message)
        dtype = str(array.dtype)
        names = [f"x{position}" for position in range(array.shape[1])]
        sample = pd.DataFrame(array, columns=names)
        seen = Seen(
            container="array",
            dtype=dtype,
            columns=tuple(SeenColumn(name=name, kind="number", dtype=dtype) for name in names),
        )
    fields = [_field(column, sample.iloc[:, position]) for position, column in enumerate(seen.columns)]
    return seen, tuple(fields)


def _column(name: str, values: pd.Series) -> SeenColumn:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _category_column(name, values, dtype)
    plain = str(dtype)
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        if isinstance(dtype, pd.ArrowDtype | pd.SparseDtype) or plain.startswith("complex"):
            raise _refusal(name, plain)
        return SeenColumn(name=name, kind="number", dtype=plain)
    return SeenColumn(name=name, kind="text", dtype=plain, values=_texts(name, values), missing=_missing(values))


def _category_column(name: str, values: pd.Series, dtype: pd.CategoricalDtype) -> SeenColumn:
    listed = dtype.categories
    is_number = pd.api.types.is_bool_dtype(listed.dtype) or pd.api.types.is_numeric_dtype(listed.dtype)
    if not is_number:
        _texts(name, pd.Series(listed))
    return SeenColumn(
        name=name,
        kind="number" if is_number else "text",
        dtype="category",
        values=() if is_number else tuple(sorted(str(value) for value in listed)),
        missing="nan" if is_number else _missing(values),
        categories=tuple(listed.tolist()),
        category_dtype=str(listed.dtype),
        ordered=bool(dtype.ordered),
    )


def _texts(name: str, values: pd.Series) -> tuple[str, ...]:
    present = values.dropna().unique()
    kinds = sorted({type(value).__name__ for value in present})
    if not set(kinds) <= {"str", "str_"} or isinstance(values.dtype, pd.ArrowDtype):
        raise _refusal(name, f"{', '.join(kinds)} ({values.dtype})")
    return tuple(sorted(str(value) for value in present))


def _refusal(name: str, what: str) -> NotConvertibleError:
    message = (
        f"column {name!r} holds {what}, and only numbers, booleans and text can be handed to an isolated model; "
        "cast the column to float or to str before fitting"
    )
    return NotConvertibleError(message, field=name)


def _missing(values: pd.Series) -> Literal["none", "nan", "na"]:
    """Say what stands for "missing" in a text column: of plain objects what it holds first, None without any."""
    if values.dtype != object:
        return "na" if getattr(values.dtype, "na_value", None) is pd.NA else "nan"
    absent = [value for value in values[values.isna()].tolist() if value is not pd.NaT]
    if not absent or absent[0] is None:
        return "none"
    return "na" if absent[0] is pd.NA else "nan"


def _field(column: SeenColumn, values: pd.Series) -> Field:
    present = values.dropna()
    nullable = len(present) < len(values)
    if column.kind == "text":
        example = None if present.empty else str(present.iloc[0])
        return Field(name=column.name, dtype="string", nullable=nullable, categories=column.values, example=example)
    numbers = pd.to_numeric(present.astype(object)).to_numpy(np.float64)
    dtype = _sent_as(column.category_dtype or column.dtype)
    cast = {"bool": bool, "int64": int}.get(dtype, float)
    return Field(
        name=column.name,
        dtype=dtype,
        nullable=nullable,
        minimum=float(numbers.min()) if len(numbers) else None,
        maximum=float(numbers.max()) if len(numbers) else None,
        example=cast(numbers[0]) if len(numbers) else None,
    )


def _sent_as(dtype: str) -> DType:
    lower = dtype.lower()
    if lower in {"bool", "boolean"}:
        return "bool"
    return "int64" if lower.lstrip("u").startswith("int") else "float64"
