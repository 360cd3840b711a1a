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


class Tokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a text is cut into tokens: lower case, then accents, then the cut, then the runs of tokens."""

    analyzer: Literal["word", "char", "char_wb"] = "word"
    """``char_wb``: characters within words, each word with a blank on either side."""
    pattern: str = r"(?u)\b\w\w+\b"
    """What a word is, as a regular expression of Python; see ``golive.inference.patterns`` for which are allowed."""
    shortest: int = 1
    """The fewest words or characters that stand together as one token."""
    longest: int = 1
    """The most words or characters that stand together as one token."""
    lower: bool = True
    accents: Literal["keep", "ascii", "unicode"] = "keep"
    """``unicode``: combining marks are removed; ``ascii``: whatever has no ASCII form then, too."""
    stop_words: tuple[str, ...] = ()
    """Words that are left out before they stand together."""
    limit: int = 100_000
    """The most characters of a text; a longer one is refused."""


class TextTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="text_terms"):
    """Count a text column's tokens, weigh the counts (tf-idf), and give sums of them as number columns.

    A column of terms is never built: each number of ``into`` is ``sum(value[term] * weights[term, number])``. Arrays
    are the bytes of float64, little-endian, row by row.
    """

    column: str
    into: tuple[str, ...]
    tokens: Tokens = Tokens()
    terms: tuple[str, ...] = ()
    """The known terms; the place of a term is its row in ``weights``. Others are left out."""
    buckets: int = 0
    """Instead of known terms: a term's row is its MurmurHash3 (32 bits, seed 0) modulo this, its sign the hash's."""
    signed: bool = True
    """Whether a bucket counts a term of negative hash as -1."""
    binary: bool = False
    """Count a term once, however often it occurs."""
    sublinear: bool = False
    """Take ``1 + log(count)`` for the count."""
    idf: bytes = b""
    """A factor a term, ``[terms]``; empty: no factor."""
    norm: Literal["", "l1", "l2"] = ""
    """Divide by the sum of the absolute values of all known terms, or by the root of the sum of squares."""
    weights: bytes = b""
    """``[terms, into]``; empty: ``into`` are the values of the first terms themselves."""
    kept: bytes = b""
    """int64, little-endian: the buckets that have a row in ``weights``, ascending; empty: all of them."""


DeclaredStep = Normalize | Recode | Bound | DateParts | TextCounts | TextTerms | Combine


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
