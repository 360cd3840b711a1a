"""Inputs: the rows that are left in, the fields that a caller sends out."""

from collections.abc import Mapping

import msgspec
import numpy as np
import pandas as pd

from golive.domain.preparation import DeclaredStep, Normalize, Recode
from golive.domain.signature import Field
from golive.inference.steps import prepared_columns
from golive.training.clean import Cleaned
from golive.training.declare import read_by
from golive.training.frame import is_missing

_EXAMPLE_CHARACTERS = 200


def fields_of(
    cleaned: Cleaned,
    train: pd.DataFrame,
    steps: tuple[DeclaredStep, ...],
    wanted: tuple[str, ...],
    units: Mapping[str, str],
) -> tuple[Field, ...]:
    """Describe the input columns that the model needs, in the order of the recipe.

    ``wanted`` are the prepared columns that the pipeline reads. A field is nullable when any cleaned row, training or
    test, lacks it; ranges, categories and examples come from training rows after codes for "missing" were read.
    ``units`` are those that the recipe names, by column.
    """
    needed = {*wanted, *(name for step in steps for name in read_by(step))}
    fields = (_field(name, cleaned, train, steps) for name in cleaned.roles.inputs if name in needed)
    return tuple(msgspec.structs.replace(field, unit=units.get(field.name, "")) for field in fields)


def _field(name: str, cleaned: Cleaned, train: pd.DataFrame, steps: tuple[DeclaredStep, ...]) -> Field:
    nullable = bool(is_missing(cleaned.frame[name].to_numpy()).any())
    repairs = [step for step in steps if isinstance(step, (Normalize, Recode)) and step.column == name]
    values = prepared_columns(repairs, {name: train[name].to_numpy()})[name]
    known = values[~is_missing(values)]
    dtype = cleaned.dtypes[name]
    if name in cleaned.roles.numbers:
        # Whole numbers in a table do not make a quantity whole: a served area may well be 150.5.
        whole, dtype = dtype == "int64", "bool" if dtype == "bool" else "float64"
        numeric = known.astype(np.float64)
        return Field(
            name=name,
            dtype=dtype,
            nullable=nullable,
            minimum=float(numeric.min()) if len(numeric) else None,
            maximum=float(numeric.max()) if len(numeric) else None,
            example=_example(float(numeric[0]), dtype, whole=whole) if len(numeric) else None,
        )
    example = str(known[0])[:_EXAMPLE_CHARACTERS] if len(known) else None
    if name in cleaned.roles.categories:
        categories = tuple(sorted(set(known.tolist())))
        return Field(name=name, dtype=dtype, nullable=nullable, categories=categories, example=example)
    kind = "date" if name in cleaned.roles.dates else ""
    return Field(name=name, dtype=dtype, nullable=nullable, format=kind, example=example)  # type: ignore[arg-type]


def _example(value: float, dtype: str, *, whole: bool) -> float | int | bool:
    if dtype == "bool":
        return bool(value)
    return int(value) if whole else value
