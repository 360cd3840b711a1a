"""Numbers or texts of a column in; values that stand for "missing", and values that are odd, out.

A code is proposed only when it cannot be an ordinary value: it is written like a code and stands apart from
everything else in the column. What merely looks odd is told and left alone.
"""

import numpy as np
import pandas as pd

from golive.ports import Column, Float64

_NEGATIVE = (-9.0, -99.0, -999.0, -9999.0, -99999.0, -999999.0, -99.9, -999.9, -9999.9, -8888.0, -888.0)
_POSITIVE = (99.0, 999.0, 9999.0, 99999.0, 999999.0, 9999999.0, 99999999.0, 99.9, 999.9, 9999.9, 99.99, 999.99)
_WORDS = frozenset(
    {
        "?",
        "-",
        "--",
        "n/a",
        "#n/a",
        "nan",
        "null",
        "missing",
        "unknown",
        "unk",
        "not available",
        "not known",
        "(missing)",
    }
)
_FEWEST = 3
_SHARE = 0.001
_FEWEST_OTHERS = 10


def number_codes(known: Float64) -> tuple[float, ...]:
    """Find hidden codes such as -999 among the values (float64 ``[n]``, none missing) of a number column.

    A code occurs at least 3 times and in 0.1 % of rows, is the lowest or the highest value, and is either the
    only negative value and written in nines, or farther from all others than those are from one another.
    """
    found: list[float] = []
    for code in (*sorted(_NEGATIVE), *sorted(_POSITIVE, reverse=True)):
        rest = known[~np.isin(known, [code, *found])]
        count = int((known == code).sum())
        if count >= max(_FEWEST, _SHARE * len(known)) and _stands_apart(code, rest):
            found.append(code)
    return tuple(found)


def text_codes(levels: Column) -> tuple[str, ...]:
    """Find words for "missing" such as ``unknown`` or ``?`` among the levels of a category column."""
    return tuple(sorted(level for level in map(str, levels.tolist()) if level.strip().lower() in _WORDS))


def oddities(name: str, known: Float64) -> str:
    """Say what is odd about a number column without proposing anything; an empty text when nothing is."""
    negative = known[known < 0]
    if len(known) >= _FEWEST_OTHERS and 0 < len(negative) <= 0.01 * len(known) and pd.unique(negative).size == 1:
        count, value = len(negative), float(negative[0])
        return (
            f"{name!r} is {value:g} in {count:,} rows and never negative otherwise; if that means missing, "
            "or cannot be, say so under cleaning.missing_codes or cleaning.ranges"
        )
    return ""


def _stands_apart(code: float, rest: Float64) -> bool:
    if pd.unique(rest).size < _FEWEST_OTHERS:
        return False
    low, high = float(rest.min()), float(rest.max())
    if code < low:
        return low >= 0.0 and code <= -99.0 or low - code > high - low  # noqa: PLR2004, RUF021
    return code > high and code - high > high - low
