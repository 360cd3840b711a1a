"""Dependence: the answer as one column takes other values in the same rows (partial dependence; Friedman 2001).

The bands are where most rows lie, each with its own curve (individual conditional expectation; Goldstein et al. 2015):
where they are wide, what the column does depends on others.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from golive.evaluation.again import Again
from golive.evaluation.explained.contributed import chosen_rows, shown
from golive.evaluation.moments import moments
from golive.evaluation.subject import Subject
from golive.ports import Column, Float64

_ROWS = 200
_POINTS = 15
_CATEGORIES = 10
_COLUMNS = 6
_CELLS = 100_000_000
_BAND = (0.1, 0.5, 0.9)
_TWO = 2
_LATEST_S = 1e11
"""Seconds since 1970 beyond which a calendar draws nothing that can be read."""


class Grid(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The values that a column is given in turn."""

    values: Column
    """As the model reads them."""
    at: tuple[str | float | None, ...]
    """Where each is drawn: the value itself, or seconds since 1970 of a date."""
    is_date: bool = False


def dependence(subject: Subject, order: Sequence[int]) -> tuple[list[dict[str, Any]], list[str]]:
    """Give the curves of the first columns of ``order`` that have more than one value, and which have none.

    A model may refuse a value beside those of other columns; such a column has no curve.
    """
    names = subject.signature.names
    dates = dates_of(subject)
    rows = min(subject.rows, _ROWS, _CELLS // (max(1, len(names)) * _POINTS * _COLUMNS))
    if rows < 1:
        return [], []
    again = Again(subject, chosen_rows(subject, rows))
    output = _output(subject)
    found: list[dict[str, Any]] = []
    refused: list[str] = []
    for place in order:
        name = names[place]
        grid = _grid(subject.test.columns[name], is_date=name in dates)
        if len(grid.values) >= _TWO and len(found) < _COLUMNS:
            curve = _curve(subject, again, name, grid, output)
            if curve is None:
                refused.append(name)
            else:
                found.append(curve)
    return found, refused


def dates_of(subject: Subject) -> frozenset[str]:
    """Name the inputs that are dates."""
    return frozenset(field.name for field in subject.signature.inputs if field.format == "date")


def _curve(subject: Subject, again: Again, name: str, grid: Grid, output: int) -> dict[str, Any] | None:
    """Give the curve of a column; None where the model refuses one of its values beside another column's."""
    rows, points = len(again.clean), len(grid.values)
    places = np.tile(np.arange(rows, dtype=np.int64), points)
    given = again.whole({name: grid.values.repeat(rows)}, places)
    if given is None:
        return None
    answers = given[:, output].reshape(points, rows)
    lower, _, upper = np.quantile(answers, _BAND, axis=1)
    classes = subject.signature.classes
    return {
        "name": name,
        "output": classes[output] if classes else None,
        "at": list(grid.at),
        "is_text": grid.values.dtype == object and not grid.is_date,
        "is_date": grid.is_date,
        "mean": answers.mean(axis=1).tolist(),
        "lower": lower.tolist(),
        "upper": upper.tolist(),
    }


def _output(subject: Subject) -> int:
    """Choose what is drawn: the value, the second of two classes, or the class that is answered most."""
    if subject.predicted.shape[1] <= _TWO:
        return int(subject.predicted.shape[1]) - 1
    answered = np.bincount(subject.predicted.argmax(axis=1))
    return int(np.argmax(answered))


def _grid(column: Column, *, is_date: bool) -> Grid:
    """Give values that occur: spread over the middle 98 of 100 rows, or the most frequent texts."""
    if is_date and (along := _along_time(column)) is not None:
        return along
    values = _frequent(column) if column.dtype == object else _spread(column)
    return Grid(values=values, at=tuple(shown(value) for value in values.tolist()))


def _frequent(column: Column) -> Column:
    texts = [value for value in column.tolist() if value is not None]
    values, counts = np.unique(np.array(texts, dtype=str), return_counts=True)
    frequent = values[np.argsort(-counts, kind="stable")[:_CATEGORIES]]
    return np.array(frequent.tolist(), dtype=object)


def _spread(column: Float64) -> Float64:
    known: Float64 = column[~np.isnan(column)]
    if not len(known):
        return known
    grid: Float64 = np.unique(np.quantile(known, np.linspace(0.01, 0.99, _POINTS), method="nearest"))
    return grid


def _along_time(column: Column) -> Grid | None:
    """Give dates in their order; None where a value is none that a calendar holds."""
    found = moments(column)
    known = np.isfinite(found.values)
    if found.unreadable or not known.any() or float(np.abs(found.values[known]).max()) > _LATEST_S:
        return None
    at = _spread(found.values)
    texts = dict(zip(found.values[known].tolist(), column[known].tolist(), strict=True))
    values = np.array([texts[moment] for moment in at.tolist()], dtype=object)
    return Grid(values=values, at=tuple(at.tolist()), is_date=True)
