"""Columns of data frames in the canonical form: numbers as float64, everything else as texts or None."""

import numpy as np
import pandas as pd


def canonical(column: pd.Series) -> np.ndarray:
    """Bring a column into the canonical form."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype(np.float64).to_numpy()
    return np.array([None if pd.isna(value) else str(value) for value in column.tolist()], dtype=object)


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Bring every column of a frame into the canonical form."""
    columns = {name: canonical(table[name]) for name in table.columns}
    # With a type that is named: pandas makes texts of its own kind of objects.
    return pd.DataFrame({name: pd.Series(values, table.index, values.dtype) for name, values in columns.items()})
