"""Changes: every row and cell that cleaning changed, counted for the report and listed for the table."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from golive.domain.data_report import Change

_EXAMPLES = 5
COLUMNS = ("row", "column", "rule", "action", "before", "after")
"""Columns of the table; ``row`` counts from 1 in the order of the source, an empty ``column`` means the whole row."""


class ChangeLog:
    """Collects changes in the order they are made."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._tables: list[pd.DataFrame] = []

    def rows(self, rule: str, rows: npt.NDArray[np.int64], *, column: str = "", values: Any = None) -> None:
        """Log whole rows that were left out; ``rows`` are positions from 0, ``values`` what was found."""
        if len(rows):
            before = _texts(values) if values is not None else [""] * len(rows)
            self._add(Change(rule=rule, column=column, action="drop", rows=len(rows), examples=_few(before)))
            self._table(rows, column, rule, "drop", before, ["row left out"] * len(rows))

    def cells(
        self, rule: str, column: str, action: str, rows: npt.NDArray[np.int64], *, before: Any, after: Any = None
    ) -> None:
        """Log cells that were changed; ``after`` is None where they became missing."""
        if len(rows):
            texts = _texts(before)
            self._add(Change(rule=rule, column=column, action=action, cells=len(rows), examples=_few(texts)))
            self._table(rows, column, rule, action, texts, [""] * len(rows) if after is None else _texts(after))

    @property
    def changes(self) -> tuple[Change, ...]:
        """One entry for each rule and column."""
        return tuple(self._changes)

    @property
    def table(self) -> pd.DataFrame:
        """One line for each changed cell or row: row, column, rule, action, before, after (texts; empty: missing)."""
        if not self._tables:
            return pd.DataFrame({name: pd.Series(dtype="int64" if name == "row" else object) for name in COLUMNS})
        return pd.concat(self._tables, ignore_index=True)

    def _add(self, change: Change) -> None:
        self._changes.append(change)

    def _table(
        self, rows: npt.NDArray[np.int64], column: str, rule: str, action: str, before: list[str], after: list[str]
    ) -> None:
        lines = {
            "row": np.asarray(rows, dtype=np.int64) + 1,
            "column": column,
            "rule": rule,
            "action": action,
            "before": pd.Series(before, dtype=object),
            "after": pd.Series(after, dtype=object),
        }
        self._tables.append(pd.DataFrame(lines, columns=list(COLUMNS)))


def _texts(values: Any) -> list[str]:
    return ["" if value is None or value != value else str(value) for value in np.asarray(values).tolist()]  # noqa: PLR0124 NaN


def _few(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))[:_EXAMPLES]
