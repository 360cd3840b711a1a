"""Clean: a table and a recipe in; the rows fit to learn from, what was changed and why out.

Rules that look at one row or cell only. Cells stay as a caller would send them; their repair is declared as steps
(``declare.py``), which are applied to training and served rows alike and are only *listed* here. Outliers are not
here: their bounds are fitted, so they wait until test rows are set apart (``outliers.py``).
"""

from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from golive.domain.data_report import ColumnSummary, DataReport
from golive.domain.preparation import Bound, DeclaredStep, Normalize, Recode
from golive.domain.signature import DType
from golive.errors import DataError
from golive.inference.scalars import date_parts, missing_texts
from golive.inference.steps import prepared_columns
from golive.inference.table import text_column
from golive.inference.values import text_of
from golive.ports import Column
from golive.training.changes import ChangeLog
from golive.training.declare import cell_steps
from golive.training.frame import canonical, is_missing, of_columns
from golive.training.recipe import Recipe
from golive.training.roles import Roles, roles_of
from golive.training.summary import summary
from golive.training.target import as_numbers, check_target, target_values, without_missing

Mask = npt.NDArray[np.bool_]


class Cleaned(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The rows that are left, and what became of the others."""

    frame: pd.DataFrame
    """Input columns as callers send them (float64, or object of str and None); the index is the row in the source."""
    target: Column
    order: Column | None
    """The time or group column of the split, if it has one."""
    dtypes: dict[str, DType]
    """Input column -> how a caller sends it."""
    roles: Roles
    log: ChangeLog
    rows_in: int
    columns: tuple[ColumnSummary, ...]
    notes: tuple[str, ...] = ()

    @property
    def report(self) -> DataReport:
        """The table before and after, with every change counted."""
        return DataReport(
            rows_in=self.rows_in,
            rows_out=len(self.frame),
            changes=self.log.changes,
            columns=self.columns,
            notes=self.notes,
        )

    @property
    def changes(self) -> pd.DataFrame:
        """Every changed cell and row, one a line (see ``changes.COLUMNS``)."""
        return self.log.table


def clean(frame: pd.DataFrame, recipe: Recipe) -> Cleaned:
    """Apply the recipe's cleaning rules, except for outliers.

    Raises:
        DataError: the table cannot be learned from, or a rule that says "error" found something.
    """
    table = canonical(frame)
    roles = roles_of(recipe, table.columns)
    log = ChangeLog()
    columns = tuple(summary(name, roles.kind(name, recipe.target), table[name].to_numpy()) for name in table.columns)
    kept = _without_duplicates(table, recipe, log)
    kept, target = _with_target(kept, recipe, log)
    order = kept[recipe.split.column].to_numpy() if recipe.split.column in kept.columns else None
    dtypes: dict[str, DType] = {name: _dtype(kept[name].to_numpy(), name, roles) for name in roles.inputs}
    inputs, bad = _inputs(kept, recipe, roles, log)
    bad |= _list_repairs(inputs, kept.index.to_numpy(), recipe, log)
    rows = kept.index.to_numpy()[~bad]
    inputs = inputs if not bad.any() else {name: values[~bad] for name, values in inputs.items()}
    target = without_missing(target[~bad])
    check_target(target, recipe)
    return Cleaned(
        frame=of_columns(inputs, rows=len(rows), index=rows),
        target=target,
        order=None if order is None else order[~bad],
        dtypes=dtypes,
        roles=roles,
        log=log,
        rows_in=len(table),
        columns=columns,
    )


def _without_duplicates(table: pd.DataFrame, recipe: Recipe, log: ChangeLog) -> pd.DataFrame:
    if recipe.cleaning.duplicates == "keep":
        return table
    doubled = table.duplicated().to_numpy()
    log.rows("duplicates", np.flatnonzero(doubled))
    return table[~doubled] if doubled.any() else table


def _with_target(table: pd.DataFrame, recipe: Recipe, log: ChangeLog) -> tuple[pd.DataFrame, Column]:
    raw = table[recipe.target].to_numpy()
    target = target_values(raw, recipe)
    missing = is_missing(target)
    if missing.any() and recipe.cleaning.missing_target == "error":
        row = int(table.index[missing][0]) + 1
        message = (
            f"the target {recipe.target!r} is missing in {int(missing.sum()):,} rows (the first is row {row}); "
            "fill it, or set cleaning.missing_target: drop"
        )
        raise DataError(message)
    log.rows("missing_target", table.index.to_numpy()[missing], column=recipe.target, values=raw[missing])
    changed = ~missing & (raw != target) if recipe.target in recipe.cleaning.ranges else np.zeros(len(raw), np.bool_)
    rows = table.index.to_numpy()[changed]
    log.cells("ranges", recipe.target, "clip", rows, before=raw[changed], after=target[changed])
    return (table[~missing], target[~missing]) if missing.any() else (table, target)


def _dtype(values: Column, name: str, roles: Roles) -> DType:
    if name not in roles.numbers:
        return "string"
    if values.dtype == np.bool_:
        return "bool"
    return "int64" if values.dtype == np.int64 else "float64"


def _inputs(table: pd.DataFrame, recipe: Recipe, roles: Roles, log: ChangeLog) -> tuple[dict[str, Column], Mask]:
    """Give the input columns in the canonical form, and the rows that a wrong type rules out."""
    bad = np.zeros(len(table), dtype=np.bool_)
    inputs: dict[str, Column] = {}
    for name in roles.inputs:
        values = table[name].to_numpy()
        if name in roles.numbers:
            column, wrong = _number_column(name, values, table.index.to_numpy(), recipe, log)
        else:
            column, wrong = text_column(values.tolist()), np.zeros(len(values), dtype=np.bool_)
            if name in roles.dates:
                column, wrong = _date_column(name, column, table.index.to_numpy(), recipe, log)
        inputs[name] = column
        if recipe.cleaning.wrong_types == "drop":
            bad |= wrong
    return inputs, bad


def _number_column(name: str, values: Column, rows: Column, recipe: Recipe, log: ChangeLog) -> tuple[Column, Mask]:
    if values.dtype != object:
        return values.astype(np.float64, copy=False), np.zeros(len(values), dtype=np.bool_)
    texts = text_column(values.tolist())
    codes = _codes(name, recipe)
    coded = np.array([text in codes for text in texts.tolist()], dtype=np.bool_)
    log.cells("missing_codes", name, "missing", rows[coded], before=texts[coded])
    texts[coded] = None
    blank = np.array([text is not None and not text.strip() for text in texts.tolist()], dtype=np.bool_)
    texts[blank] = None
    numbers = as_numbers(np.where([isinstance(value, bool) for value in values.tolist()], values, texts))
    wrong = ~is_missing(texts) & np.isnan(numbers)
    _report_wrong(name, "a number", texts, wrong, rows, recipe, log)
    return numbers, wrong


def _date_column(name: str, texts: Column, rows: Column, recipe: Recipe, log: ChangeLog) -> tuple[Column, Mask]:
    codes = _codes(name, recipe)
    unreadable = {
        text
        for text in set(texts.tolist())
        if text is not None and text not in codes and date_parts(("days",), text) is None
    }
    wrong = np.array([text in unreadable for text in texts.tolist()], dtype=np.bool_)
    _report_wrong(name, "an ISO 8601 date such as 2011-07-25", texts, wrong, rows, recipe, log)
    texts[wrong] = None
    return texts, wrong


def _codes(name: str, recipe: Recipe) -> frozenset[str]:
    return missing_texts(Recode(column=name, missing=recipe.cleaning.missing_codes.get(name, ())))


def _report_wrong(
    name: str, expected: str, texts: Column, wrong: Mask, rows: Column, recipe: Recipe, log: ChangeLog
) -> None:
    if not wrong.any():
        return
    first, row = text_of(texts[wrong][0]), int(rows[wrong][0]) + 1
    if wrong.sum() == (~is_missing(texts)).sum():
        message = (
            f"no value of column {name!r} is {expected} (row {row} has {first!r}); give it another kind under "
            "features, or say how to read it in data.options (decimal, null_values)"
        )
        raise DataError(message)
    action = recipe.cleaning.wrong_types
    if action == "error":
        message = (
            f"column {name!r} has {int(wrong.sum()):,} values that are not {expected} (row {row} has {first!r}); "
            "mend them, list them in cleaning.missing_codes, or set cleaning.wrong_types"
        )
        raise DataError(message)
    if action == "drop":
        log.rows("wrong_types", rows[wrong], column=name, values=texts[wrong])
    else:
        log.cells("wrong_types", name, "missing", rows[wrong], before=texts[wrong])


def _list_repairs(inputs: dict[str, Column], rows: Column, recipe: Recipe, log: ChangeLog) -> Mask:
    """List what the declared steps will do to cells, and give the rows that a range leaves out."""
    bad = np.zeros(len(rows), dtype=np.bool_)
    columns: Mapping[str, Column] = inputs
    for step in cell_steps(recipe, frozenset(inputs)):
        limits = recipe.cleaning.ranges.get(step.column)
        if isinstance(step, Bound) and limits is not None and limits.outside in {"drop", "refuse"}:
            outside = _outside(columns[step.column], step)
            log.rows("ranges", rows[outside], column=step.column, values=columns[step.column][outside])
            bad |= outside
            continue
        columns = {**columns, **logged_step(step, columns, rows, log, _RULES[type(step)])}
    _check_finite(columns, rows, bad)
    return bad


_RULES: dict[type[Normalize | Recode | Bound], str] = {
    Normalize: "normalize",
    Recode: "missing_codes",
    Bound: "ranges",
}


def logged_step(
    step: Normalize | Recode | Bound, columns: Mapping[str, Column], rows: Column, log: ChangeLog, rule: str
) -> dict[str, Column]:
    """Apply one step to its column, log the cells it changes, and give the changed column by name."""
    name = step.column
    before = columns[name]
    prepared: tuple[DeclaredStep, ...] = (step,)
    after = prepared_columns(prepared, {name: before})[name]
    was, now = is_missing(before), is_missing(after)
    emptied = ~was & now
    changed = ~was & ~now & (before != after)
    log.cells(rule, name, "missing", rows[emptied], before=before[emptied])
    action = "clip" if isinstance(step, Bound) else "text"
    log.cells(rule, name, action, rows[changed], before=before[changed], after=after[changed])
    return {name: after}


def _outside(values: Column, step: Bound) -> Mask:
    low = -np.inf if step.minimum is None else step.minimum
    high = np.inf if step.maximum is None else step.maximum
    return np.asarray((values < low) | (values > high), dtype=np.bool_)


def _check_finite(columns: Mapping[str, Column], rows: Column, bad: Mask) -> None:
    for name, values in columns.items():
        infinite = np.isinf(values) & ~bad if values.dtype != object else np.zeros(0, dtype=np.bool_)
        if infinite.any():
            message = (
                f"column {name!r} is infinite in {int(infinite.sum()):,} rows (the first is row "
                f"{int(rows[infinite][0]) + 1}); mend them, or set cleaning.ranges for it"
            )
            raise DataError(message)
