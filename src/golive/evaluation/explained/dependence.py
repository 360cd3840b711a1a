"""Dependence: the answer as one column takes other values in the same rows (partial dependence; Friedman 2001).

The bands are where most rows lie, each with its own curve (individual conditional expectation; Goldstein et al. 2015):
where they are wide, what the column does depends on others.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from golive.evaluation.explained.contributed import chosen_rows, inputs_of, shown
from golive.evaluation.subject import Subject
from golive.ports import Column, Float64

_ROWS = 200
_POINTS = 15
_CATEGORIES = 10
_COLUMNS = 6
_CELLS = 100_000_000
_BAND = (0.1, 0.5, 0.9)
_TWO = 2


def dependence(subject: Subject, order: Sequence[int]) -> list[dict[str, Any]]:
    """Give the curves of the first columns of ``order`` that have more than one value."""
    names = subject.signature.names
    rows = min(subject.rows, _ROWS, _CELLS // (max(1, len(names)) * _POINTS * _COLUMNS))
    if rows < 1:
        return []
    columns = inputs_of(subject, chosen_rows(subject, rows))
    output = _output(subject)
    found: list[dict[str, Any]] = []
    for place in order:
        name = names[place]
        grid = _grid(subject.test.columns[name])
        if len(grid) >= _TWO and len(found) < _COLUMNS:
            found.append(_curve(subject, columns, name, grid, output))
    return found


def _curve(subject: Subject, columns: dict[str, Column], name: str, grid: Column, output: int) -> dict[str, Any]:
    rows = len(columns[name])
    asked = {other: np.tile(values, len(grid)) for other, values in columns.items()}
    answers = subject.predict({**asked, name: grid.repeat(rows)})[:, output].reshape(len(grid), rows)
    lower, _, upper = np.quantile(answers, _BAND, axis=1)
    classes = subject.signature.classes
    return {
        "name": name,
        "output": classes[output] if classes else None,
        "at": [shown(value) for value in grid.tolist()],
        "is_text": grid.dtype == object,
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


def _grid(column: Column) -> Column:
    """Give values that occur: spread over the middle 98 of 100 rows, or the most frequent texts."""
    if column.dtype == object:
        texts = [value for value in column.tolist() if value is not None]
        values, counts = np.unique(np.array(texts, dtype=str), return_counts=True)
        frequent = values[np.argsort(-counts, kind="stable")[:_CATEGORIES]]
        return np.array(frequent.tolist(), dtype=object)
    known: Float64 = column[~np.isnan(column)]
    if not len(known):
        return known
    grid: Float64 = np.unique(np.quantile(known, np.linspace(0.01, 0.99, _POINTS), method="nearest"))
    return grid
