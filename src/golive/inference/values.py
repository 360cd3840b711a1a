"""Values: any caller's value in, the canonical number or text of it out."""

import math

import numpy as np

from golive.errors import InvalidRowError

MISSING = math.nan
"""How a number column says "missing"; a text column says None."""

_LARGEST = float(np.finfo(np.float64).max)
_NUMBERS = (bool, int, float, np.bool_, np.integer, np.floating)


def text_of(value: object) -> str | None:
    """Give the canonical text of a category value.

    ``None``, NaN and the missing markers of data frames give None; a bool ``"true"`` or ``"false"``; a whole
    number ``"20"`` whether it came as 20 or 20.0; any other float its shortest exact form; a date or time its
    ISO 8601 form; a text itself.
    """
    if value is None or isinstance(value, str):
        # str() also takes the subclass off a numpy text, so equal texts are written equally.
        return None if value is None else str(value)
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return _text_of_float(float(value))
    if _is_missing_marker(value):
        return None
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat() if callable(isoformat) else value)


def number_of(value: object, name: str) -> float:
    """Give the number that a value of column ``name`` stands for; NaN for a missing one.

    Raises:
        InvalidRowError: the value is a text or another thing, is infinite, or is beyond float64.
    """
    if value is None or _is_missing_marker(value):
        return MISSING
    if not isinstance(value, _NUMBERS):
        raise InvalidRowError(not_a_number(name, value), field=name)
    try:
        number = float(value)
    except OverflowError:
        raise InvalidRowError(not_finite(name, math.inf), field=name) from None
    if abs(number) > _LARGEST:
        raise InvalidRowError(not_finite(name, number), field=name)
    return MISSING if math.isnan(number) else number


def not_a_number(name: str, value: object) -> str:
    """Say that something else stands where a number should."""
    kind = "text" if isinstance(value, str) else type(value).__name__
    return f"field {name!r} is a number, but the {kind} {value!r} was found; send a number, or null when it is missing"


def not_finite(name: str, value: float) -> str:
    """Say that a number is infinite."""
    return f"field {name!r} is {value!r}, but a finite number is needed; send null when it is missing"


def is_missing(name: str) -> str:
    """Say that a value is missing where the model has no answer for that."""
    return f"field {name!r} is missing, but the model was trained with a value in every row; send one"


def _text_of_float(number: float) -> str | None:
    if math.isnan(number):
        return None
    return str(int(number)) if number.is_integer() else repr(number)


def _is_missing_marker(value: object) -> bool:
    # Data frames mark missing cells with NaT and NA; recognized by name because this room knows no data frame.
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    return type(value).__name__ in {"NAType", "NaTType"}
