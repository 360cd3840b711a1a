"""Literals: numbers and texts as C99 writes them, exactly."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

KINDS = {
    "float64": "double",
    "float32": "float",
    "int64": "int64_t",
    "int32": "int32_t",
    "int16": "int16_t",
    "int8": "int8_t",
    "uint8": "uint8_t",
    "bool": "unsigned char",
}
"""numpy's name of a type -> C's."""
_A_LINE = 8
_WHOLE = 1e15


def number(value: Any, kind: str) -> str:
    """Write one number of a C type so that a compiler reads the same bits."""
    if kind == "double":
        return _double(float(value))
    if kind == "float":
        text = _double(float(str(np.float32(value))))
        return text if text.endswith(("NAN", "INFINITY")) else f"{text}f"
    whole = int(value)
    if whole == np.iinfo(np.int64).min:
        return "INT64_MIN"
    return f"INT64_C({whole})" if abs(whole) >= 2**31 else str(whole)


def table(name: str, values: npt.NDArray[Any], kind: str) -> str:
    """Write a constant array."""
    items = [number(value, kind) for value in values.reshape(-1).tolist()]
    return f"static const {kind} {name}[{len(items)}] = {{\n{_lines(items)}}};"


def narrow(values: npt.NDArray[np.int64]) -> str:
    """Give the narrowest C type that holds whole numbers."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    fitting = (name for name in ("uint8", "int16", "int32") if np.iinfo(name).min <= low and high <= np.iinfo(name).max)
    return KINDS[next(fitting, "int64")]


def text(value: str) -> str:
    """Write a text as a string literal of its UTF-8 bytes."""
    # A digit after an octal escape of three digits is a digit of its own; a question mark could begin a trigraph.
    written = (
        chr(byte) if 0x20 <= byte < 0x7F and chr(byte) not in '"\\?' else f"\\{byte:03o}"  # noqa: PLR2004
        for byte in value.encode()
    )
    return f'"{"".join(written)}"'


def texts(values: Iterable[str]) -> str:
    """Write the inside of an array of texts."""
    return "".join(f"    {text(value)},\n" for value in values)


def _double(value: float) -> str:
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    if value.is_integer() and abs(value) < _WHOLE:
        return f"{'-' if math.copysign(1.0, value) < 0 else ''}{abs(int(value))}.0"
    written = repr(value)
    return written if "." in written or "e" in written else f"{written}.0"


def _lines(items: list[str]) -> str:
    rows = (items[start : start + _A_LINE] for start in range(0, len(items), _A_LINE))
    return "".join(f"    {', '.join(row)},\n" for row in rows)
