"""Scalars: what the declared steps compute for one value; the row form and the batch form both ask here."""

import math
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime

from golive.domain.preparation import Bound, Combine, DatePart, Normalize, Recode
from golive.errors import UsageError
from golive.inference.values import MISSING, text_of

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_OPERANDS: dict[str, tuple[int, int | None]] = {
    "sum": (2, None),
    "product": (2, None),
    "difference": (2, 2),
    "ratio": (2, 2),
    "log1p": (1, 1),
    "square": (1, 1),
    "absolute": (1, 1),
}
"""Operation -> the fewest and the most columns it takes."""


def normalized(step: Normalize, text: str | None) -> str | None:
    """Bring one text into the form that the step declares."""
    if text is None:
        return None
    form = " ".join(unicodedata.normalize("NFKC", text).split())
    if step.lower:
        form = form.lower()
    return None if step.empty_is_missing and not form else form


def missing_texts(step: Recode) -> frozenset[str]:
    """Give the texts that mean "missing" in a text column."""
    return frozenset(text for text in map(text_of, step.missing) if text is not None)


def missing_numbers(step: Recode) -> frozenset[float]:
    """Give the numbers that mean "missing" in a number column; codes that are words cannot occur there."""
    return frozenset(number for number in map(_as_number, step.missing) if not math.isnan(number))


def date_parts(parts: tuple[DatePart, ...], text: str | None) -> tuple[float, ...] | None:
    """Read an ISO 8601 date or time; NaN for a missing one, None for a text that is neither.

    A time with an offset is brought to UTC; one without is taken as UTC.
    """
    if text is None:
        return (MISSING,) * len(parts)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return tuple([_PARTS[part](moment) for part in parts])


def text_counts(text: str | None) -> tuple[float, float]:
    """Count characters and words."""
    return (MISSING, MISSING) if text is None else (float(len(text)), float(len(text.split())))


def combine(step: Combine) -> Callable[..., float]:
    """Give the operation of a step as a function of one row's numbers.

    Anything without a finite result gives NaN: a missing operand, a ratio by zero, the logarithm of zero or less,
    and what is beyond float64.

    Raises:
        UsageError: the operation takes another number of columns.
    """
    least, most = _OPERANDS[step.operation]
    if len(step.columns) < least or (most is not None and len(step.columns) > most):
        wanted = f"{least}" if most == least else f"{least} or more"
        message = (
            f"column {step.into!r} is the {step.operation} of {len(step.columns)} columns, but {wanted} are needed; "
            "change the list of columns"
        )
        raise UsageError(message)
    return _COMBINED[step.operation]


def out_of_range(step: Bound, value: float) -> str:
    """Say that a number is outside the range that the model serves."""
    low = "any number" if step.minimum is None else repr(step.minimum)
    high = "any number" if step.maximum is None else repr(step.maximum)
    return f"field {step.column!r} is {value!r}, but the model serves values from {low} to {high} only"


def not_a_date(name: str, text: str | None) -> str:
    """Say that a text is no date."""
    remedy = "write it as 2011-07-25 or 2011-07-25T13:00:00"
    return f"field {name!r} is {text!r}, which is not an ISO 8601 date or time; {remedy}"


def _as_number(code: float | str) -> float:
    try:
        return float(code)
    except ValueError:
        return MISSING


def _days(moment: datetime) -> float:
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
    return moment.toordinal() - _EPOCH_DAY + seconds / 86400


def _finite(number: float) -> float:
    return number if math.isfinite(number) else MISSING


def _sum(first: float, *others: float) -> float:
    for other in others:
        first += other
    return _finite(first)


def _product(first: float, *others: float) -> float:
    for other in others:
        first *= other
    return _finite(first)


def _log1p(number: float) -> float:
    return math.log1p(number) if number > -1.0 else MISSING


_PARTS: dict[DatePart, Callable[[datetime], float]] = {
    "year": lambda moment: float(moment.year),
    "month": lambda moment: float(moment.month),
    "day": lambda moment: float(moment.day),
    "weekday": lambda moment: float(moment.weekday()),
    "hour": lambda moment: float(moment.hour),
    "dayofyear": lambda moment: float(moment.timetuple().tm_yday),
    "days": _days,
}
_COMBINED: dict[str, Callable[..., float]] = {
    "sum": _sum,
    "product": _product,
    "difference": lambda left, right: _finite(left - right),
    "ratio": lambda left, right: _finite(left / right) if right else MISSING,
    "log1p": _log1p,
    "square": lambda number: _finite(number * number),
    "absolute": abs,
}
