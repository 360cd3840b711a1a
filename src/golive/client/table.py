"""Table: what a caller gives in, columns out; nothing is known of the model yet."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.errors import RequestError, UsageError

Values = npt.NDArray[Any] | Sequence[Any]
"""One column: an array, or a list of whatever the caller has."""


class Table(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Rows as columns, in the caller's types."""

    names: tuple[str, ...] | None
    """The names of the columns; None where they come in the order of the model's inputs."""
    columns: tuple[Values, ...]
    rows: int
    matrix: npt.NDArray[Any] | None = None
    """The columns as one array of numbers ``[rows, columns]``, where they came as one."""

    def pieces(self, rows: int) -> Iterator["Table"]:
        """Cut into tables of at most that many rows, in order."""
        for start in range(0, self.rows, rows):
            part = slice(start, start + rows)
            yield Table(
                names=self.names,
                columns=tuple(column[part] for column in self.columns),
                rows=min(rows, self.rows - start),
                matrix=None if self.matrix is None else self.matrix[part],
            )


def table_of(data: Any) -> Table:
    """Read one row (a dict), rows (dicts or lists), a 2-d array, a data frame, or a dict of columns.

    In a dict, lists and arrays are columns and anything else is one row. A data frame is what has ``columns`` and
    gives each as an array: those of pandas, polars and arrow do. A name that is in some of the rows is missing in
    the others.

    Raises:
        UsageError: it is none of these.
        RequestError: there is no row, or rows or columns differ in length.
    """
    table = _table(data)
    if not table.rows:
        message = "the table has no rows; give at least one"
        raise RequestError(message)
    return table


def _table(data: Any) -> Table:
    if isinstance(data, Mapping):
        return _named(data) if _are_columns(data) else _of_objects([data])
    if isinstance(data, np.ndarray):
        return _of_array(data)
    if hasattr(data, "columns") and hasattr(data, "__getitem__"):
        # In an arrow table ``columns`` are the columns themselves.
        return _named({name: data[name] for name in getattr(data, "column_names", data.columns)})
    if isinstance(data, (list, tuple)):
        if not data or all(isinstance(row, Mapping) for row in data):
            return _of_objects(data)
        if all(isinstance(row, (list, tuple, np.ndarray)) for row in data):
            return _of_lists(data)
    message = (
        f"a {type(data).__name__} is not a table; give a dict (one row, or columns), a list of dicts or of lists, "
        "a 2-d numpy array or a data frame"
    )
    raise UsageError(message)


def _are_columns(data: Mapping[Any, Any]) -> bool:
    are = {name: isinstance(value, (list, tuple, np.ndarray)) or _is_series(value) for name, value in data.items()}
    if any(are.values()) and not all(are.values()):
        single = next(name for name, is_column in are.items() if not is_column)
        message = f"{single!r} is one value, but others are columns; give a list for each column, or one value for each"
        raise UsageError(message)
    return any(are.values())


def _is_series(value: Any) -> bool:
    return hasattr(value, "to_numpy") and hasattr(value, "__len__")


def _named(columns: Mapping[Any, Any]) -> Table:
    read = {str(name): _column(str(name), values) for name, values in columns.items()}
    lengths = {name: len(column) for name, column in read.items()}
    if len(set(lengths.values())) > 1:
        message = f"the columns differ in length ({lengths}); give one value for each row"
        raise RequestError(message)
    return Table(names=tuple(read), columns=tuple(read.values()), rows=next(iter(lengths.values()), 0))


def _column(name: str, values: Any) -> Values:
    column = values.to_numpy() if _is_series(values) else values
    if isinstance(column, np.ndarray) and column.ndim == 2 and column.shape[1] == 1:  # noqa: PLR2004 - a column vector
        return column[:, 0]
    if isinstance(column, np.ndarray) and column.ndim != 1:
        message = f"column {name!r} has the shape {column.shape}; give one value for each row"
        raise RequestError(message, field=name)
    return column  # type: ignore[no-any-return]  # whatever a caller's series gives


def _of_objects(rows: Sequence[Mapping[Any, Any]]) -> Table:
    names = dict.fromkeys(name for row in rows for name in row)
    columns = tuple([row.get(name) for row in rows] for name in names)
    return Table(names=tuple(map(str, names)), columns=columns, rows=len(rows))


def _of_lists(rows: Sequence[Sequence[Any]]) -> Table:
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        message = f"the rows differ in length ({', '.join(map(str, sorted(widths)))}); give every row all its values"
        raise RequestError(message)
    return Table(names=None, columns=tuple(map(list, zip(*rows, strict=True))), rows=len(rows))


def _of_array(array: npt.NDArray[Any]) -> Table:
    if array.ndim != 2 or array.dtype.names:  # noqa: PLR2004 - rows and columns
        message = (
            f"an array of the shape {array.shape} is not a table; give [rows, columns], "
            "one row as array.reshape(1, -1), one column as array.reshape(-1, 1)"
        )
        raise UsageError(message)
    matrix = array if array.dtype.kind in "fiu" else None
    return Table(names=None, columns=tuple(array.T), rows=len(array), matrix=matrix)
