"""Frame: any data frame in, one with only bool, int64, float64 and object columns out.

Object columns hold texts (and whatever else the table mixed in), with None for missing, never NaN: libraries take
None and NaN for two different categories, and only None is what a caller's ``null`` becomes.
"""

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from golive.errors import DataError
from golive.ports import Column


def canonical(frame: pd.DataFrame) -> pd.DataFrame:
    """Bring every column to bool, int64, float64 or object; columns that are so already are not copied.

    Rows are numbered from 0 in the order they came.

    Raises:
        DataError: two columns have the same name, or there are no columns.
    """
    checked_names(frame.columns)
    columns = {str(name): _column(frame[name]) for name in frame.columns}
    return of_columns(columns, rows=len(frame))


def from_arrow(table: Any) -> pd.DataFrame:
    """Give an Arrow table as such a frame; equal texts share one object."""
    columns: dict[str, Column] = {}
    for name in table.column_names:
        columns[name] = _from_arrow(table[name])
    return of_columns(columns, rows=table.num_rows)


def of_columns(columns: dict[str, Column], *, rows: int, index: Column | None = None) -> pd.DataFrame:
    """Build a frame around arrays without copying them."""
    labels = pd.RangeIndex(rows) if index is None else pd.Index(index)
    series = {name: pd.Series(values, index=labels, dtype=values.dtype, copy=False) for name, values in columns.items()}
    return pd.DataFrame(series, index=labels, copy=False)


def checked_names(names: Iterable[Any]) -> None:
    """Refuse a table without columns, or with two of the same name.

    Raises:
        DataError: there are no columns, or some have the same name; the names are listed.
    """
    counts = Counter(map(str, names))
    doubled = [name for name, count in counts.items() if count > 1]
    if doubled:
        message = f"the table has several columns named {', '.join(map(repr, doubled))}; give every column its own name"
        raise DataError(message)
    if not counts:
        message = "the table has no columns; a target and at least one other column are needed"
        raise DataError(message)


def absent(name: str, kind: str, found: Iterable[Any]) -> DataError:
    """Say that a column that golive.yaml names is not in the table, with the nearest name that is."""
    names = [str(other) for other in found]
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    shown = f"did you mean {near[0]!r}?" if near else f"the table has {', '.join(map(repr, names[:20]))}"
    return DataError(f"the {kind} {name!r} is not a column of the table; {shown}")


def is_missing(values: Column) -> npt.NDArray[np.bool_]:
    """Say which values are None, NaN or another missing marker."""
    return np.asarray(pd.isna(values), dtype=np.bool_)


def _column(series: "pd.Series[Any]") -> Column:  # noqa: PLR0911 one case a kind of column
    kind = series.dtype
    if isinstance(kind, np.dtype):
        if kind.kind == "M":
            return _iso_texts(series)
        if kind.kind in "iufb":
            return _plain_numbers(series.to_numpy())
        return _objects(series.to_numpy(dtype=object))
    if isinstance(kind, pd.CategoricalDtype):
        categories = np.array([*kind.categories, None], dtype=object)
        taken: Column = categories[series.cat.codes.to_numpy()]
        return _column(pd.Series(taken).infer_objects()) if not _has_text(categories) else _objects(taken)
    if isinstance(kind, pd.DatetimeTZDtype):
        return _iso_texts(series.dt.tz_convert("UTC").dt.tz_localize(None), "Z")
    if pd.api.types.is_numeric_dtype(kind):
        return _nullable_numbers(series)
    return _objects(series.to_numpy(dtype=object))


def _plain_numbers(values: Column) -> Column:
    if values.dtype.kind in "bf":
        return values if values.dtype.kind == "b" else values.astype(np.float64, copy=False)
    fits = values.dtype != np.uint64 or not len(values) or values.max() <= np.iinfo(np.int64).max
    return values.astype(np.int64 if fits else np.float64, copy=False)


def _nullable_numbers(series: "pd.Series[Any]") -> Column:
    if series.isna().any():
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    if pd.api.types.is_bool_dtype(series.dtype):
        return series.to_numpy(dtype=np.bool_)
    integer = pd.api.types.is_integer_dtype(series.dtype)
    return series.to_numpy(dtype=np.int64 if integer else np.float64)


def _objects(values: Column) -> Column:
    if any(isinstance(value, (list, dict, set, np.ndarray)) for value in values.tolist()):
        return _plain_texts(values)
    missing = is_missing(values)
    kinds = {type(value) for value in values.tolist()} - {type(None), float}
    if kinds == {bool} and not missing.any():
        return values.astype(np.bool_)
    if not missing.any() and not (kinds - {str}):
        return values
    result = values.copy()
    result[missing] = None
    return result


def _plain_texts(values: Column) -> Column:
    # Nested values cannot be compared or hashed; as texts they can at least be counted and left out.
    result = np.empty(len(values), dtype=object)
    result[:] = [None if value is None else str(value) for value in values.tolist()]
    return result


def _has_text(values: Column) -> bool:
    return any(isinstance(value, str) for value in values.tolist())


def _iso_texts(series: "pd.Series[Any]", zone: str = "") -> Column:
    moments = series.to_numpy().astype("datetime64[us]")
    known = moments[~np.isnat(moments)]
    whole_days = bool((known == known.astype("datetime64[D]")).all()) and not zone
    texts = np.datetime_as_string(moments, unit="D" if whole_days else "auto").astype(object)
    texts[np.isnat(moments)] = None
    return texts + zone if zone and not np.isnat(moments).any() else _suffixed(texts, zone)


def _suffixed(texts: Column, zone: str) -> Column:
    result = np.empty(len(texts), dtype=object)
    result[:] = [None if text is None else text + zone for text in texts.tolist()]
    return result


def _from_arrow(column: Any) -> Column:
    kind = column.type
    if pa.types.is_boolean(kind) and not column.null_count:
        return np.asarray(column.to_numpy(), dtype=np.bool_)
    if pa.types.is_decimal(kind):
        column, kind = column.cast(pa.float64()), pa.float64()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind):
        return _arrow_numbers(column, kind)
    if pa.types.is_temporal(kind):
        dated = column.cast(pa.timestamp("us")) if pa.types.is_date(kind) else column
        return _column(dated.to_pandas())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _arrow_texts(pc.dictionary_encode(column))
    if pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type):
        return _arrow_texts(column)
    return _objects(np.array([*column.to_pylist(), None], dtype=object)[:-1])


def _arrow_numbers(column: Any, kind: Any) -> Column:
    whole = pa.types.is_integer(kind) and not column.null_count
    values = column.cast(pa.int64() if whole else pa.float64(), safe=False).to_numpy()
    return np.array(values) if not values.flags.writeable else values


def _arrow_texts(encoded: Any) -> Column:
    whole = encoded.unify_dictionaries()
    first = whole.chunk(0) if whole.num_chunks else None
    texts = np.array([*(first.dictionary.to_pylist() if first is not None else ()), None], dtype=object)
    codes = [chunk.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False) for chunk in whole.chunks]
    taken: Column = texts[np.concatenate(codes) if codes else np.empty(0, dtype=np.int64)]
    return taken
