"""Frames: rows as a person hands them over in a notebook, and as columns by name."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.domain.bundle import Bundle
from golive.domain.digest import Digest, digest_of_value
from golive.errors import RequestError, UsageError
from golive.inference.values import text_of


def named_columns(rows: Any, bundle: Bundle) -> Mapping[str, Any]:
    """Give columns by name; an array's columns are taken in the order of the signature."""
    return by_name(rows, bundle.signature.names)


def as_rows(sample: Any, target: Any) -> Any:
    """Give a sample of rows that can be counted and cut: a list becomes an array, of texts one of objects.

    Raises:
        UsageError: the rows have no true answers.
    """
    if target is None:
        message = "target= is needed: one true answer for each row of the sample, for the dummy baseline"
        raise UsageError(message)
    return sample if hasattr(sample, "shape") else _listed(sample)


def _listed(sample: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(sample)
    return array.astype(object) if array.dtype.kind in "UT" else array


def by_name(rows: Any, names: Sequence[str]) -> Mapping[str, Any]:
    """Give columns by name; those of an array are named in order.

    Raises:
        RequestError: an array has another number of columns.
    """
    if isinstance(rows, Mapping):
        return rows
    if hasattr(rows, "columns"):
        return {str(name): rows[name].to_numpy() for name in rows.columns}
    array = rows.to_numpy() if hasattr(rows, "to_numpy") else _listed(rows)
    if array.ndim == 1 and len(names) == 1:
        return {names[0]: array}
    if array.ndim != 2 or array.shape[1] != len(names):  # noqa: PLR2004 - rows and columns
        message = (
            f"an array of the shape {array.shape} was found, but {len(names)} values a row are needed "
            f"({', '.join(names)}); give the rows as a data frame or as a 2-d array in that order"
        )
        raise RequestError(message)
    return {name: array[:, index] for index, name in enumerate(names)}


def like(sample: Any, rows: Mapping[str, Any]) -> Any:
    """Give columns in the form that a model was given its sample in."""
    if not hasattr(sample, "columns"):
        # A model that reads one column was given that column alone.
        return next(iter(rows.values())) if sample.ndim == 1 else np.column_stack([rows[name] for name in rows])
    # A column that the model was given and does not read may hold anything.
    return type(sample)(
        {name: rows[str(name)] if str(name) in rows else sample[name].iloc[0] for name in sample.columns}
    )


def digest_of_rows(columns: Mapping[str, Any], answers: Any) -> Digest:
    """Name rows and their known answers."""
    listed = {name: column.tolist() for name, column in columns.items()}
    return digest_of_value([listed, [text_of(answer) for answer in answers.tolist()]])
