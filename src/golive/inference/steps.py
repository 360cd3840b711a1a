"""Steps: columns in the canonical form in, the columns that the declared steps make of them out.

The batch form. The row form, which agrees with it bit for bit, is ``rows.py``; what both compute for one
value is ``scalars.py``.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from golive.domain.preparation import Bound, Combine, DateParts, DeclaredStep, Normalize, Recode, TextCounts, TextTerms
from golive.errors import InvalidRowError, UsageError
from golive.inference.scalars import (
    combine,
    date_parts,
    missing_numbers,
    missing_texts,
    normalized,
    not_a_date,
    out_of_range,
    text_counts,
)
from golive.inference.text import TextReader
from golive.ports import Column, Float64

Bools = npt.NDArray[np.bool_]
PlainStep = Normalize | Recode | Bound | DateParts | TextCounts | Combine
Ready = PlainStep | TextReader
"""A step, compiled where that is worth doing once only."""

Sentence = Callable[[int], str]
Refuse = Callable[[str, Bools, Sentence], None]
"""Told which rows of a column cannot be served, and given the sentence for a row."""


def prepared_columns(steps: Iterable[DeclaredStep], columns: Mapping[str, Column]) -> dict[str, Column]:
    """Apply the declared steps to columns in the canonical form; the given arrays are left as they are.

    Numbers and bools are float64 ``[n]`` with NaN for missing, texts are object arrays of str and None.

    Raises:
        InvalidRowError: a text is not a date, or a number is outside a range that refuses; the first such row.
        UsageError: a step names a column that is not there, or one of the wrong kind.
    """
    return applied(map(ready, steps), columns, refuse=raise_first)


def ready(step: DeclaredStep) -> Ready:
    """Compile a step that is worth compiling once.

    Raises:
        UsageError: the step contradicts itself, or may take forever.
    """
    return TextReader(step) if isinstance(step, TextTerms) else step


def applied(steps: Iterable[Ready], columns: Mapping[str, Column], *, refuse: Refuse) -> dict[str, Column]:
    """Apply the declared steps, telling ``refuse`` about rows that cannot be served."""
    prepared = dict(columns)
    for step in steps:
        made = _read(step, prepared, refuse) if isinstance(step, TextReader) else _apply(step, prepared, refuse)
        prepared.update(made)
    return prepared


def raise_first(name: str, bad: Bools, sentence: Sentence) -> None:
    """Refuse the first bad row, if there is one.

    Raises:
        InvalidRowError: a row is bad.
    """
    if bad.any():
        row = int(bad.argmax())
        raise InvalidRowError(sentence(row), field=f"$[{row}].{name}")


def step_needs(step: DeclaredStep, name: str, found: str | None, needed: str) -> UsageError:
    """Say that a step's column is absent or of the wrong kind."""
    kind = type(step).__name__
    if found is None:
        return UsageError(
            f"step {kind} reads column {name!r}, which is neither an input nor made by an earlier step; mend the step"
        )
    return UsageError(f"step {kind} needs a {needed} column, but {name!r} is a {found} column; mend the step")


def _apply(step: PlainStep, columns: Mapping[str, Column], refuse: Refuse) -> dict[str, Column]:
    match step:
        case Normalize():
            texts = _texts(step, step.column, columns)
            return {step.column: _objects(_each(texts, partial(normalized, step)))}
        case Recode():
            return {step.column: _recoded(step, columns)}
        case Bound():
            return {step.column: _bounded(step, _numbers(step, step.column, columns), refuse)}
        case DateParts():
            return _dates(step, _texts(step, step.column, columns), refuse)
        case TextCounts():
            counts = _matrix(_each(_texts(step, step.column, columns), text_counts), 2)
            return {f"{step.column}_chars": counts[:, 0], f"{step.column}_words": counts[:, 1]}
        case Combine():
            return {step.into: _combined(step, columns)}


def _recoded(step: Recode, columns: Mapping[str, Column]) -> Column:
    column = columns.get(step.column)
    if column is not None and column.dtype != object:
        return np.where(np.isin(column, list(missing_numbers(step))), np.nan, column)
    codes = missing_texts(step)
    return _objects([None if text in codes else text for text in _texts(step, step.column, columns).tolist()])


def _bounded(step: Bound, values: Float64, refuse: Refuse) -> Float64:
    low = -np.inf if step.minimum is None else step.minimum
    high = np.inf if step.maximum is None else step.maximum
    below, above = values < low, values > high
    if step.outside == "clip":
        return np.where(below, low, np.where(above, high, values))
    if step.outside == "missing":
        return np.where(below | above, np.nan, values)
    refuse(step.column, below | above, lambda row: out_of_range(step, float(values[row])))
    return values


def _dates(step: DateParts, texts: Column, refuse: Refuse) -> dict[str, Column]:
    found = _each(texts, partial(date_parts, step.parts))
    bad = np.array([parts is None for parts in found], dtype=np.bool_)
    refuse(step.column, bad, lambda row: not_a_date(step.column, texts[row]))
    unknown = (np.nan,) * len(step.parts)
    matrix = _matrix([unknown if parts is None else parts for parts in found], len(step.parts))
    return {f"{step.column}_{part}": matrix[:, index] for index, part in enumerate(step.parts)}


def _read(reader: TextReader, columns: Mapping[str, Column], refuse: Refuse) -> dict[str, Column]:
    step = reader.step
    texts = _texts(step, step.column, columns)
    bad = np.array([reader.is_too_long(text) for text in texts.tolist()], dtype=np.bool_)
    refuse(step.column, bad, lambda row: reader.too_long(texts[row]))
    if bad.any():
        # Told of bad rows, ``refuse`` may go on; what they would have given is never used.
        texts = texts.copy()
        texts[bad] = None
    found = _matrix(_each(texts, reader), len(step.into))
    return {name: found[:, index] for index, name in enumerate(step.into)}


def _combined(step: Combine, columns: Mapping[str, Column]) -> Float64:
    operands = [_numbers(step, name, columns).tolist() for name in step.columns]
    if step.operation == "log1p":
        # numpy's log1p may differ from the C library's, which the row form uses, in the last bit.
        return np.fromiter(map(combine(step), *operands), np.float64, len(operands[0]))
    return _combined_arrays(step, [_numbers(step, name, columns) for name in step.columns])


def _combined_arrays(step: Combine, operands: list[Float64]) -> Float64:
    combine(step)
    with np.errstate(all="ignore"):
        result = operands[0]
        match step.operation:
            case "square":
                result = result * result
            case "absolute":
                result = np.abs(result)
            case "difference":
                result = operands[0] - operands[1]
            case "ratio":
                result = operands[0] / operands[1]
            case "sum":
                for other in operands[1:]:
                    result = result + other
            case _:
                for other in operands[1:]:
                    result = result * other
    return np.where(np.isfinite(result), result, np.nan)


def _each(texts: Column, function: Callable[[str | None], Any]) -> list[Any]:
    # Columns repeat their texts: each distinct one is worked out once.
    listed = texts.tolist()
    known = {text: function(text) for text in set(listed)}
    return [known[text] for text in listed]


def _matrix(rows: list[tuple[float, ...]], width: int) -> Float64:
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)


def _objects(values: list[str | None]) -> Column:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _numbers(step: DeclaredStep, name: str, columns: Mapping[str, Column]) -> Float64:
    column = columns.get(name)
    if column is None or column.dtype == object:
        raise step_needs(step, name, None if column is None else "text", "number")
    return column


def _texts(step: DeclaredStep, name: str, columns: Mapping[str, Column]) -> Column:
    column = columns.get(name)
    if column is None or column.dtype != object:
        raise step_needs(step, name, None if column is None else "number", "text")
    return column
