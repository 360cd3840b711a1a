"""Numbers: how measures are written for people."""

import math
import re
from collections.abc import Mapping
from typing import Any

from golive.domain.evidence import Measure

_LARGE = 1e7
_SMALL = 1e-4
_WHOLE = 1e4
_FINEST = 6
_LONGEST = 1e15


def number(value: float, decimals: int | None = None) -> str:
    """Write a number: up to four significant digits unless ``decimals`` says otherwise, a proper minus sign."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    if size >= _LARGE or (0 < size < _SMALL and (decimals is None or decimals > _FINEST)):
        text = re.sub(r"e([-+])0*", lambda found: "e" + found[1].replace("+", ""), f"{value:.2e}")
    elif decimals is not None:
        text = f"{value:,.{decimals}f}"
    elif value == int(value) or size >= _WHOLE:
        text = f"{value:,.0f}"
    else:
        text = f"{value:,.{3 - math.floor(math.log10(size))}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    nothing = not any(digit in "123456789" for digit in text)
    return text.lstrip("-") if nothing else text.replace("-", "−")


class Readable(float):
    """A number that a sentence is filled with: where ``g`` would write a power of ten, all digits are written."""

    def __format__(self, spec: str) -> str:
        """Write it by a format specification; a minus sign is a proper one."""
        text = super().__format__(spec)
        if spec.endswith("g") and "e+" in text and abs(self) < _LONGEST:
            text = f"{float(self):,.0f}"
        return text.replace("-", "−") if "e" not in text else text


def readable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of a sentence with numbers that are written for people."""
    return {name: Readable(value) if isinstance(value, float) else value for name, value in values.items()}


def sent(value: float) -> str:
    """Write an input as it was sent: with all its digits and no separator, so that a year stays a year."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < _LONGEST else repr(float(value))


def signed(value: float) -> str:
    """Write a number with its sign."""
    text = number(value)
    return text if text.startswith("−") or text in {"0", "–"} else f"+{text}"


def decimals_of(measure: Measure) -> int | None:
    """Give the decimals that show a measure's interval with two significant digits; None without an interval."""
    return finest(measure.lower, measure.upper)


def alike(value: float | None, lower: float | None, upper: float | None) -> tuple[str, str]:
    """Write a value and its interval with the same decimals; what is None has no text."""
    decimals = finest(lower, upper)
    shown = "–" if value is None else number(value, decimals)
    if lower is None or upper is None:
        return shown, ""
    return shown, f"{number(lower, decimals)} … {number(upper, decimals)}"


def finest(lower: float | None, upper: float | None) -> int | None:
    """Give the decimals that show an interval with two significant digits; None without one."""
    if lower is None or upper is None:
        return None
    width = upper - lower
    if width <= 0 or not math.isfinite(width):
        return None
    return min(max(1 - math.floor(math.log10(width)), 0), 8)


def value_text(measure: Measure) -> str:
    """Write a measure's value as finely as its interval deserves."""
    return number(measure.value, decimals_of(measure))


def interval_text(measure: Measure) -> str:
    """Write a measure's interval, such as ``0.91 … 0.95``; empty without one."""
    return alike(measure.value, measure.lower, measure.upper)[1]
