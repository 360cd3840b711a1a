"""Moments: a column that says when a row was, as dates in several spellings or as numbers, brought into order."""

import re
from datetime import UTC, datetime

import msgspec
import numpy as np

from golive.ports import Column, Float64

_WHOLE = re.compile(r"(\d{4})[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?)?(?:[T ]+(.+))?")
_PLAIN = re.compile(r"(\d{4})(\d{2})(\d{2})")


class Moments(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """When rows were."""

    values: Float64
    """Seconds since 1970, or the numbers themselves; NaN where nothing can be read."""
    unreadable: int
    """Values that are there and cannot be read."""
    example: str = ""
    """One of them."""


def moments(column: Column) -> Moments:
    """Read a column of the canonical form."""
    if column.dtype.kind in "biuf":
        return Moments(values=column.astype(np.float64), unreadable=0)
    known: dict[object, float] = {}
    for value in column.tolist():
        if value not in known:
            known[value] = np.nan if value is None or value != value else _moment(str(value))  # noqa: PLR0124 - NaN
    values = np.array([known[value] for value in column.tolist()], dtype=np.float64)
    broken = [
        value
        for value in column.tolist()
        if value is not None and value == value and np.isnan(known[value])  # noqa: PLR0124 - NaN
    ]
    return Moments(values=values, unreadable=len(broken), example=str(broken[0]) if broken else "")


def written(value: float, *, number: bool) -> str:
    """Write a moment for people."""
    if number or not abs(value) < 1e11:  # noqa: PLR2004 - beyond what a date can hold
        return f"{value:.6g}"
    moment = datetime.fromtimestamp(value, UTC)
    return f"{moment:%Y-%m-%d}" if value % 86400 == 0 else f"{moment:%Y-%m-%d %H:%M}"


def _moment(text: str) -> float:
    text = text.strip()
    found = _WHOLE.fullmatch(text) or _PLAIN.fullmatch(text)
    if found is None:
        return _number(text)
    year, month, day, *clock = found.groups()
    spelled = f"{year}-{int(month):02}-{int(day or 1):02}" + (f"T{clock[0].strip()}" if clock and clock[0] else "")
    try:
        moment = datetime.fromisoformat(spelled)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return float("nan")


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if np.isfinite(value) else float("nan")
