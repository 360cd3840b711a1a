"""Preparation: declared steps from a caller's row to the two tensors that a graph reads.

A graph reads ``N`` (float64 ``[rows, len(numbers)]``, missing is NaN) and ``C`` (int64
``[rows, len(categories)]``). What ONNX cannot say exactly (dates, text) is declared here, as data.
"""

from typing import Literal

import msgspec

DatePart = Literal["year", "month", "day", "weekday", "hour", "dayofyear", "days"]
"""``weekday`` counts from Monday = 0; ``days`` are whole and part days since 1970-01-01."""

Operation = Literal["sum", "difference", "product", "ratio", "log1p", "square", "absolute"]
"""``ratio`` by zero and ``log1p`` below -1 give "missing"; any missing operand gives "missing"."""


class Normalize(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="normalize"):
    """Bring a text column into one form: Unicode NFKC, trimmed, inner blanks collapsed, lower case."""

    column: str
    lower: bool = True
    empty_is_missing: bool = True


class Recode(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="recode"):
    """Read hidden codes such as ``-999`` or ``unknown`` as missing."""

    column: str
    missing: tuple[float | str, ...]


class Bound(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="bound"):
    """Treat numbers outside a closed range as missing, clip them to it, or refuse the row."""

    column: str
    minimum: float | None = None
    maximum: float | None = None
    outside: Literal["missing", "clip", "refuse"] = "missing"


class DateParts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="date_parts"):
    """Read an ISO 8601 text column into number columns named ``{column}_{part}``."""

    column: str
    parts: tuple[DatePart, ...]


class TextCounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="text_counts"):
    """Count a text column's characters and words into ``{column}_chars`` and ``{column}_words``."""

    column: str


class Combine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="combine"):
    """Construct a number column from one or two others."""

    into: str
    operation: Operation
    columns: tuple[str, ...]


DeclaredStep = Normalize | Recode | Bound | DateParts | TextCounts | Combine


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A category column and its known values.

    The code of a value is its position; ``len(values)`` stands for "unseen" and
    ``len(values) + 1`` for "missing".
    """

    column: str
    values: tuple[str, ...]


class Preparation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The declared steps, then which columns become ``N`` and which become ``C``."""

    steps: tuple[DeclaredStep, ...] = ()
    numbers: tuple[str, ...] = ()
    categories: tuple[Vocabulary, ...] = ()
