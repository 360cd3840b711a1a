"""Figures: tables, as the report writes them."""

from collections.abc import Sequence

from golive.evaluation.numbers import number
from golive.evaluation.pages.markup import Markup, join, tag
from golive.evaluation.pages.phrases import Say

_FOLDED = 25
"""Longer tables are shown when a reader asks for them."""
MOST_ROWS = 300
"""Rows of a table that grows with the columns or classes of a model; thousands would make a page too large to open."""


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], *, numeric_first: bool = False) -> Markup:
    """Write a table; cells that are Markup are numbers and stand at the right, others are text from data."""
    numeric = [index for index in range(len(heads)) if rows and isinstance(rows[0][index], Markup)]
    if not numeric_first:
        numeric = [index for index in numeric if index]
    head = tag("tr", *(tag("th", text, kind="n" if i in numeric else None) for i, text in enumerate(heads)))
    body = (
        tag("tr", *(tag("td", cell, kind="n" if i in numeric else None) for i, cell in enumerate(row))) for row in rows
    )
    return tag("div", tag("table", tag("thead", head), tag("tbody", *body)), kind="wide")


def narrow(heads: Sequence[str], rows: Sequence[Sequence[object]], *, numeric_first: bool = False) -> Markup:
    """Write a table of few columns."""
    return tag("div", table(heads, rows, numeric_first=numeric_first), kind="narrow")


def cut(heads: Sequence[str], rows: Sequence[Sequence[object]], say: Say, *, most: int = MOST_ROWS) -> Markup:
    """Write the first rows of a table that may be long, folded away, and say how many more there are."""
    left = len(rows) - most
    more = tag("p", say("rows.more", count=number(left)), kind="quiet") if left > 0 else Markup()
    shown = join(table(heads, rows[:most]), more)
    if len(rows) <= _FOLDED:
        return shown
    return tag("details", tag("summary", say("rows.open", count=number(len(rows[:most])))), shown)
