"""Profile: what a model saw in training and answered there, as counts over fixed bins."""

from collections.abc import Mapping
from typing import Any

from golive.domain.profile import ColumnProfile, Profile
from golive.domain.signature import Field, Signature
from golive.inference.table import columns_of
from golive.ports import Column, Float64
from golive.statistics.bins import category_bins, number_bins

_BINARY = 2


def profile(signature: Signature, columns: Mapping[str, Any], outputs: Float64) -> Profile:
    """Count training rows, as callers send them, and the model's own predictions for them.

    Dates and free texts are left out: new ones are always values never seen before, which would be a standing
    alarm and no news. Of two classes only the second one's probability is kept: the first mirrors it.

    Args:
        signature: Names and types of the columns.
        columns: The training rows, by column name.
        outputs: float64 ``[rows, 1]`` values or ``[rows, classes]`` probabilities.

    Raises:
        RequestError: a required column is not there.
    """
    canonical = columns_of(signature, columns)
    return Profile(
        rows=len(outputs),
        inputs=tuple(_input(field, canonical[field.name]) for field in signature.inputs if _is_countable(field)),
        outputs=tuple(_numbers(name, outputs[:, index]) for index, name in _outputs(signature)),
    )


def _is_countable(field: Field) -> bool:
    return field.dtype != "string" or bool(field.categories)


def _input(field: Field, column: Column) -> ColumnProfile:
    if field.dtype == "string":
        values, counts = category_bins(column)
        return ColumnProfile(name=field.name, values=values, counts=counts)
    return _numbers(field.name, column)


def _numbers(name: str, column: Float64) -> ColumnProfile:
    edges, counts = number_bins(column)
    return ColumnProfile(name=name, edges=edges, counts=counts)


def _outputs(signature: Signature) -> list[tuple[int, str]]:
    if not signature.classes:
        return [(0, "prediction")]
    named = [(index, f"p_{label}") for index, label in enumerate(signature.classes)]
    return named[1:] if len(named) == _BINARY else named
