"""Rows: a signature and a reference profile in, varied rows out, as callers would send them.

A constant row is the best case of every cache and branch predictor on the way; these are drawn, one column at a time,
from what the model saw in training.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from golive.domain.profile import ColumnProfile, Profile
from golive.domain.signature import Field, Signature

Row = dict[str, Any]
_Draw = Callable[[Random], Any]
_DAYS = 365
_FALLBACK_DATE = "2026-01-31"
_ENDS = 2
"""Counts that stand after the edges or values of a profile: over and missing, or unseen and missing."""


def varied_rows(signature: Signature, profile: Profile | None, count: int, *, seed: int) -> list[Row]:
    """Draw rows; equal seeds give equal rows.

    Number columns follow the bins of the profile, category columns its counts; columns without one follow the range,
    the categories or the example of the signature. Values stay inside of what training saw, so a model that refuses
    what lies outside takes them.
    """
    known = {column.name: column for column in profile.inputs} if profile else {}
    drawn = {field.name: draw_of(field, known.get(field.name)) for field in signature.inputs}
    chance = Random(seed)  # noqa: S311 - a load, no secret
    return [{name: draw(chance) for name, draw in drawn.items()} for _ in range(count)]


def examples_around(row: Mapping[str, Any], count: int, *, seed: int) -> list[Row]:
    """Vary one row where no signature is at hand: floats by up to a tenth, the rest stays as it is."""
    chance = Random(seed)  # noqa: S311 - a load, no secret
    return [{name: _near(value, chance) for name, value in row.items()} for _ in range(count)]


def draw_of(field: Field, column: ColumnProfile | None) -> _Draw:
    """Give the function that draws one column."""
    if field.dtype == "string":
        known = column is not None and any(column.counts)
        return _from_counts(column, nullable=field.nullable) if column is not None and known else _text(field)
    if column is not None and column.edges:
        return _typed(field, _from_counts(column, nullable=field.nullable))
    return _typed(field, _from_range(field))


def _typed(field: Field, draw: _Draw) -> _Draw:
    def typed(chance: Random) -> Any:
        value = draw(chance)
        if value is None:
            return None
        if field.dtype == "bool":
            return bool(round(value))
        if field.dtype == "int64":
            return round(value)
        return float(f"{value:.6g}")

    return typed


def _from_counts(column: ColumnProfile, *, nullable: bool) -> _Draw:
    """Draw a bin by its count; a value that may not be missing is drawn from the other bins."""
    outcomes = _number_bins(column) if column.edges else _category_bins(column)
    weighted = [(make, count) for make, count in zip(outcomes, column.counts, strict=True) if count]
    if not nullable:
        weighted = [(make, count) for make, count in weighted if make is not _missing] or [(outcomes[0], 1)]
    makes, counts = zip(*weighted, strict=True)
    return lambda chance: chance.choices(makes, counts)[0](chance)


def _number_bins(column: ColumnProfile) -> list[_Draw]:
    edges = column.edges
    inner = [_between(low, high) for low, high in pairwise(edges)]
    return [_just(edges[0]), *inner, _just(edges[-1]), _missing]


def _category_bins(column: ColumnProfile) -> list[_Draw]:
    values = column.values or ("",)
    known = [_just(value) for value in column.values]
    return [*known, *[_just(values[-1])] * _ENDS, _missing]


def _between(low: float, high: float) -> _Draw:
    return lambda chance: chance.uniform(low, high)


def _just(value: Any) -> _Draw:
    return lambda _: value


def _missing(_: Random) -> None:
    return None


def _from_range(field: Field) -> _Draw:
    if field.minimum is not None and field.maximum is not None:
        return _between(field.minimum, field.maximum)
    if field.dtype == "bool":
        return _between(0.0, 1.0)
    example = field.example if isinstance(field.example, int | float) else 1.0
    return lambda chance: _near(float(example), chance)


def _text(field: Field) -> _Draw:
    if field.categories:
        return lambda chance: chance.choice(field.categories)
    if field.format == "date":
        first = date.fromisoformat(str(field.example or _FALLBACK_DATE)[:10])
        return lambda chance: (first - timedelta(days=chance.randrange(_DAYS))).isoformat()
    return _just("text" if field.example is None else str(field.example))


def _near(value: Any, chance: Random) -> Any:
    return float(f"{value * chance.uniform(0.9, 1.1):.6g}") if isinstance(value, float) else value
