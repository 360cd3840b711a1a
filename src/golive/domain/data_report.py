"""Data report: what cleaning found and changed in a table, counted by rule and column."""

import msgspec


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one rule did to one column (or to whole rows, when ``column`` is empty)."""

    rule: str
    """``duplicates``, ``missing_target``, ``wrong_types``, ``missing_codes``, ``ranges`` or ``outliers``."""
    column: str = ""
    action: str
    """``drop``, ``missing`` or ``clip``."""
    cells: int = 0
    rows: int = 0
    examples: tuple[str, ...] = ()
    """A few of the values found, as text."""


class ColumnSummary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One column of the table as it came."""

    name: str
    kind: str
    """``number``, ``category``, ``date``, ``text``, ``dropped`` or ``target``."""
    missing: int = 0
    distinct: int = 0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    top: tuple[str, ...] = ()


class DataReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table before and after cleaning."""

    rows_in: int
    rows_out: int
    rows_train: int = 0
    rows_test: int = 0
    changes: tuple[Change, ...] = ()
    columns: tuple[ColumnSummary, ...] = ()
    notes: tuple[str, ...] = ()
