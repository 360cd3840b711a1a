"""Numbers: how measures are written for people."""

import math

from golive.domain.evidence import Measure

_LARGE = 1e7
_SMALL = 1e-4


def number(value: float, decimals: int | None = None) -> str:
    """Write a number: four significant digits unless ``decimals`` says otherwise, a proper minus sign."""
    if not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < _LARGE and decimals is None:
        text = f"{int(value):,}"
    elif value and (abs(value) >= _LARGE or abs(value) < _SMALL) and (decimals is None or decimals > 6):  # noqa: PLR2004
        text = f"{value:.3g}"
    else:
        places = decimals if decimals is not None else max(3 - math.floor(math.log10(abs(value))), 0)
        text = f"{value:,.{places}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.lstrip("-")


def decimals_of(measure: Measure) -> int | None:
    """Give the decimals that show a measure's interval with two significant digits; None without an interval."""
    if measure.lower is None or measure.upper is None:
        return None
    width = measure.upper - measure.lower
    if width <= 0 or not math.isfinite(width):
        return None
    return min(max(1 - math.floor(math.log10(width)), 0), 8)


def value_text(measure: Measure) -> str:
    """Write a measure's value as finely as its interval deserves."""
    return number(measure.value, decimals_of(measure))


def interval_text(measure: Measure) -> str:
    """Write a measure's interval, such as ``0.91 … 0.95``; empty without one."""
    if measure.lower is None or measure.upper is None:
        return ""
    decimals = decimals_of(measure)
    return f"{number(measure.lower, decimals)} … {number(measure.upper, decimals)}"
