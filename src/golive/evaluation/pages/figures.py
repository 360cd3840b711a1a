"""Figures: tables, as the report writes them."""

from collections.abc import Sequence

from golive.evaluation.pages.markup import Markup, tag


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
