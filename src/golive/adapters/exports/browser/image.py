"""Browser image: which signatures are pictures, so that the page can let its reader draw one."""

import re

import msgspec

from golive.domain.signature import Field, Signature
from golive.errors import UsageError

_CELL = re.compile(r"(.*?)(\d+)\D(\d+)")
_SIZE = re.compile(r"([1-9]\d{0,3})x([1-9]\d{0,3})")
_LEAST = 4
"""Fewer rows or columns are a table that happens to be numbered."""
_NUMBERS = frozenset({"float64", "int64"})
_LEVELS = 255


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A picture whose cells are the fields of the signature, row by row."""

    rows: int
    columns: int
    low: float
    """What an empty cell holds."""
    high: float
    """What a cell full of ink holds."""
    steps: int
    """How many levels lie between the two."""


def image_of(signature: Signature, asked: str | None = None) -> Image | None:
    """Read a signature as a picture, or give None where it is none.

    Args:
        signature: Fields named like ``pixel_0_0`` to ``pixel_7_7``, in this order, are a picture unasked.
        asked: ``8x8`` (rows x columns) where the names do not tell, or ``none``.

    Raises:
        UsageError: what was asked for is no size, or not that of the fields.
    """
    if asked == "none":
        return None
    size = _named_size(signature.inputs) if asked is None else _asked_size(signature, asked)
    return None if size is None else _image(signature.inputs, *size)


def _asked_size(signature: Signature, asked: str) -> tuple[int, int]:
    found = _SIZE.fullmatch(asked)
    if found is None:
        message = f"image={asked!r} is no size; write rows x columns, such as 28x28, or none"
        raise UsageError(message)
    rows, columns = int(found[1]), int(found[2])
    if rows * columns != len(signature.inputs):
        message = f"image={asked} has {rows * columns} cells, but the model has {len(signature.inputs)} fields; mend it"
        raise UsageError(message)
    other = next((field.name for field in signature.inputs if field.dtype not in _NUMBERS), None)
    if other is not None:
        message = f"image={asked} needs number fields only, and {other!r} is none; leave the option out"
        raise UsageError(message)
    return rows, columns


def _named_size(fields: tuple[Field, ...]) -> tuple[int, int] | None:
    """Give rows and columns where the names count them, each from 0 or from 1."""
    cells = [_CELL.fullmatch(field.name) for field in fields if field.dtype in _NUMBERS]
    if not cells or len(cells) < len(fields) or None in cells:
        return None
    found = [(cell[1], int(cell[2]), int(cell[3])) for cell in cells if cell is not None]
    prefix, top, left = found[0]
    rows, columns = found[-1][1] - top + 1, found[-1][2] - left + 1
    if min(rows, columns) < _LEAST:
        return None
    wanted = [(prefix, top + row, left + column) for row in range(rows) for column in range(columns)]
    return (rows, columns) if found == wanted else None


def _image(fields: tuple[Field, ...], rows: int, columns: int) -> Image:
    low = min((field.minimum for field in fields if field.minimum is not None), default=0.0)
    high = max((field.maximum for field in fields if field.maximum is not None), default=1.0)
    is_counted = low.is_integer() and high.is_integer() and 1 < high - low <= _LEVELS
    return Image(rows=rows, columns=columns, low=low, high=high, steps=int(high - low) if is_counted else _LEVELS)
