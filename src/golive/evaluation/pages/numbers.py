"""Numbers: how measures are written for people."""

import math
import re

from golive.domain.evidence import Measure

_LARGE = 1e7
_SMALL = 1e-4
_WHOLE = 1e4
_FINEST = 6


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


def signed(value: float) -> str:
    """Write a number with its sign."""
    text = number(value)
    return text if text.startswith("−") or text in {"0", "–"} else f"+{text}"


def decimals_of(measure: Measure) -> int | None:
    """Give the decimals that show a measure's interval with two significant digits; None without an interval."""
    return _decimals(measure.lower, measure.upper)


def alike(value: float | None, lower: float | None, upper: float | None) -> tuple[str, str]:
    """Write a value and its interval with the same decimals; what is None has no text."""
    decimals = _decimals(lower, upper)
    shown = "–" if value is None else number(value, decimals)
    if lower is None or upper is None:
        return shown, ""
    return shown, f"{number(lower, decimals)} … {number(upper, decimals)}"


def _decimals(lower: float | None, upper: float | None) -> int | None:
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
