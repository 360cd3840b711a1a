"""One column of a canonical frame in; what kind it is and why out. Values decide, names never do."""

import re
from typing import Literal

import msgspec
import numpy as np
import pandas as pd

from golive.ports import Column
from golive.training.frame import is_missing

Kind = Literal["number", "category", "date", "text", "identifier", "constant", "all-missing", "unreadable"]

_FEW_ROWS = 20
_MOST_LEVELS = 1000
_TEXT_WORDS = 4.0
_ALMOST_ALL = 0.9
_ID_FROM = 1e7
"""Whole numbers this long that differ in every row are numbers of things, not amounts of something."""
_ORDINARY_UNIQUE = ((6e8, 2.2e9), (1500.0, 2200.0))
"""Seconds since 1970 and years differ in every row without being identifiers."""
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|[+-]\d{2}:?\d{2})?)?",
)
_OTHER_DATE = re.compile(
    r"(\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./]\d{1,2}[./]\d{1,2}|\d{1,2}[ -][A-Za-z]{3,9}[ -,]+\d{2,4}"
    r"|[A-Za-z]{3,9}\.? \d{1,2},? \d{4})([ T]\d{1,2}:\d{2}.*)?"
)
_GROUPED_NUMBER = re.compile(r"[^\w-]{0,2}-?\d{1,3}([ ,.']\d{3})+([.,]\d+)?\s?[^\w]{0,2}|-?\d+,\d+")


class ColumnKind(msgspec.Struct, frozen=True, kw_only=True):
    """What a column is, with the facts that decided it."""

    name: str
    kind: Kind
    distinct: int
    missing: int
    note: str = ""
    """Why it is not used, or what to know about it; one sentence, or nothing."""
    whole_days: bool = True
    """Of a date column: no value has a time of day."""


def kind_of(name: str, values: Column) -> ColumnKind:
    """Look at one column: bool, int64, float64 or object of str and None, ``[rows]``."""
    missing = is_missing(values)
    known = as_texts(values[~missing])
    distinct = int(pd.unique(known).size)
    found = _found(known, distinct, rows=len(values))
    return ColumnKind(
        name=name,
        kind=found[0],
        distinct=distinct,
        missing=int(missing.sum()),
        note=f"{name!r} {found[1]}" if found[1] else "",
        whole_days=found[0] != "date" or not any(len(str(text)) > len("2011-07-25") for text in known),
    )


def as_texts(values: Column) -> Column:
    """Give an object column with every value as str; another column as it is."""
    if values.dtype != object:
        return values
    # astype(str) would give every row the room of the longest text.
    texts = np.empty(len(values), dtype=object)
    texts[:] = list(map(str, values.tolist()))
    return texts


def _found(known: Column, distinct: int, *, rows: int) -> tuple[Kind, str]:
    if distinct == 0:
        return "all-missing", "has no value in any row and is left out"
    number = known.dtype != object
    if distinct == 1 and (number or len(known) == rows):
        return "constant", f"has the one value {known[0]!s} and is left out"
    if known.dtype.kind == "b":
        return "category", ""
    return _number(known, distinct) if number else _texts(known, distinct)


def _number(known: Column, distinct: int) -> tuple[Kind, str]:
    whole = bool((np.isfinite(known) & (known == np.floor(known))).all())
    if not whole or distinct < len(known) or len(known) < _FEW_ROWS:
        return "number", ""
    low, high = float(known.min()), float(known.max())
    if any(start <= low and high <= end for start, end in _ORDINARY_UNIQUE):
        return "number", ""
    if (np.diff(known) == 1).all() or (high - low < 2 * len(known) and bool((np.diff(known) > 0).all())):
        return "identifier", f"counts the rows from {low:.0f} to {high:.0f} and is left out"
    if high - low == len(known) - 1:
        return "identifier", f"gives every row its own number from {low:.0f} to {high:.0f} and is left out"
    if low >= _ID_FROM and high < 10 * low:
        return "identifier", f"is another number of {len(f'{low:.0f}')} digits in every row and is left out"
    return "number", ""


def _texts(known: Column, distinct: int) -> tuple[Kind, str]:  # noqa: PLR0911 one line a kind of text
    texts = pd.Series(known, dtype=object)
    levels = pd.Series(texts.unique(), dtype=object)
    if levels.map(_is_iso).all():
        return "date", ""
    if _share(levels, _OTHER_DATE.fullmatch) >= _ALMOST_ALL and levels.str.contains(r"\d").all():
        return _other_date(levels, distinct, len(texts))
    if _is_mostly_numbers(texts, levels) and not levels.map(_has_leading_zero).any():
        return _mixed_number(texts)
    if _share(levels, _GROUPED_NUMBER.fullmatch) >= _ALMOST_ALL and distinct > _FEW_ROWS:
        shown = levels.iloc[0]
        return "unreadable", (
            f"holds numbers written like {shown!r}, which cannot be read, and is left out; "
            "write them without separators, or set decimal under data.options"
        )
    words = float(texts.map(lambda text: len(text.split())).mean())
    if words >= _TEXT_WORDS and distinct > max(_FEW_ROWS, len(texts) // 4):
        return "text", f"is free text ({words:.0f} words a row): its characters and words are counted"
    if distinct > _FEW_ROWS and distinct > len(texts) // (2 if distinct <= _MOST_LEVELS else 5):
        return "identifier", f"has {distinct:,} different texts in {len(texts):,} rows, an identifier, and is left out"
    if distinct > _MOST_LEVELS:
        return "category", f"has {distinct:,} levels, many of them rare"
    return "category", ""


def _share(levels: "pd.Series[str]", matches: object) -> float:
    return float(levels.map(lambda text: bool(matches(text.strip()))).mean()) if callable(matches) else 0.0


def _is_iso(text: str) -> bool:
    if _ISO.fullmatch(text) is None:
        return False
    return not pd.isna(pd.to_datetime(text[:10], format="%Y-%m-%d", errors="coerce"))


def _other_date(levels: "pd.Series[str]", distinct: int, rows: int) -> tuple[Kind, str]:
    remedy = "only ISO 8601 dates such as 2011-07-25 can be served"
    shown = levels.iloc[0]
    if distinct <= _FEW_ROWS and distinct <= rows // 10:
        return "category", f"holds dates written like {shown!r} and is taken as categories; {remedy}"
    return "unreadable", f"holds dates written like {shown!r} and is left out; {remedy}"


def _is_mostly_numbers(texts: "pd.Series[str]", levels: "pd.Series[str]") -> bool:
    numbers = pd.to_numeric(levels, errors="coerce").notna()
    others = set(levels[~numbers])
    return float((~texts.isin(others)).mean()) >= _ALMOST_ALL and int(numbers.sum()) > 1


def _has_leading_zero(text: str) -> bool:
    # 007 and 02139 are codes; a number would lose their zeros.
    return len(text) > 1 and text[0] == "0" and text[1].isdigit()


def _mixed_number(texts: "pd.Series[str]") -> tuple[Kind, str]:
    others = texts[pd.to_numeric(texts, errors="coerce").isna()]
    shown = ", ".join(map(repr, others.unique()[:3]))
    if others.empty:
        return "number", ""
    return "number", f"is a number but for {len(others):,} rows (such as {shown}), which are read as missing"
