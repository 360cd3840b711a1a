"""Categories of boosters: which columns of a frame were pandas categories in training, and rows in that very form."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd


def categories_of(native: Any, text: Sequence[bool]) -> dict[int, list[Any]] | None:
    """Say which columns of a frame were pandas categories, and which values those are, in the order of their codes.

    Args:
        native: The ``lightgbm.Booster``.
        text: Which columns hold texts.

    Returns:
        Column position -> values; None where the booster does not tell which of its columns they belong to.
    """
    known = [list(values) for values in native.pandas_categorical or []]
    places = [place for place, is_text in enumerate(text) if is_text]
    if len(places) != len(known):
        infos = native.dump_model(num_iteration=1)["feature_infos"]
        places = [place for place, name in enumerate(native.feature_name()) if infos.get(name, {}).get("values")]
    found = dict(zip(places, known, strict=False))
    fits = len(places) == len(known) and all(
        text[place] == any(isinstance(value, str) for value in values) for place, values in found.items() if values
    )
    return found if fits else None


def as_categories(values: pd.Series, known: Sequence[Any]) -> pd.Series:
    """Give a column of texts or numbers as a category column with the known values; any other is missing."""
    if known and not any(isinstance(value, str) for value in known):
        same = {float(value): value for value in known}
        numbers = values.astype(np.float64).map(same)
        return numbers.astype(object).where(numbers.notna()).astype(pd.CategoricalDtype(list(known)))
    return values.astype(object).where(values.isin(known)).astype(pd.CategoricalDtype(list(known)))
