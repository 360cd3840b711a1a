"""Readable: a table of any values in; canonical columns out, and what stands where a number should."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from golive.domain.signature import Signature
from golive.errors import InvalidRowError
from golive.inference.table import canonical_column, columns_of
from golive.inference.values import MISSING, number_of, text_of
from golive.ports import Column, Float64, Int64
from golive.training.recipe import Cleaning
from golive.training.target import as_numbers


class Wrong(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Values of a column that stand where a number should; at least one."""

    column: str
    rows: Int64
    """Their rows, by position in the table that was given, ascending."""
    value: str
    """The first of them."""


class Readable(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A table in the canonical form; a wrong value is missing in it."""

    columns: dict[str, Column]
    refused: tuple[Wrong, ...] = ()
    """The wrong values for which their rows are left out, by column."""
    emptied: tuple[Wrong, ...] = ()
    """The wrong values that the cleaning reads as missing, by column."""


def readable(signature: Signature, table: Mapping[str, Any], cleaning: Cleaning | None = None) -> Readable:
    """Bring a table into the canonical form, with whatever is no finite number in a column of numbers set apart.

    A column that holds texts is read text by text, since one wrong value makes a file's reader give texts for all.
    ``cleaning`` is a project's own: its missing codes and its ``wrong_types`` apply.

    Raises:
        RequestError: a required column is not in the table, or the columns differ in length.
    """
    numbers: dict[str, Float64] = {}
    refused: list[Wrong] = []
    emptied: list[Wrong] = []
    for field in signature.inputs:
        if field.dtype == "string" or field.name not in table:
            continue
        try:
            numbers[field.name] = canonical_column(field, table[field.name])
        except InvalidRowError:
            numbers[field.name], texts, others = _one_by_one(field.name, np.asarray(table[field.name]), cleaning)
            lenient = cleaning is not None and cleaning.wrong_types == "missing" and field.nullable
            (emptied if lenient else refused).extend(texts)
            refused.extend(others)
    columns = columns_of(signature, {**table, **numbers})
    return Readable(columns=columns, refused=tuple(refused), emptied=tuple(emptied))


def refused_rows(wrong: Iterable[Wrong]) -> Int64:
    """Give the positions of all rows with a wrong value, ascending."""
    return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *(one.rows for one in wrong)]))


def _one_by_one(name: str, values: Column, cleaning: Cleaning | None) -> tuple[Float64, list[Wrong], list[Wrong]]:
    """Give a column as float64 ``[n]``, the texts that stand for no number, and whatever else is no finite number."""
    listed = list(values) if values.dtype.kind in "mM" else values.tolist()
    codes = {text_of(code) for code in cleaning.missing_codes.get(name, ())} if cleaning is not None else set()
    read = _read_texts({value for value in listed if isinstance(value, str)}, codes)
    column = np.full(len(listed), MISSING)
    texts: list[int] = []
    others: list[int] = []
    for row, value in enumerate(listed):
        known = read.get(value, value) if isinstance(value, str) else value
        try:
            column[row] = number_of(known, name)
        except InvalidRowError:
            # A text such as "inf" was read as a number, and is too large for one.
            (texts if isinstance(known, str) else others).append(row)
    return column, _wrong(name, texts, listed), _wrong(name, others, listed)


def _wrong(name: str, rows: list[int], listed: list[Any]) -> list[Wrong]:
    if not rows:
        return []
    return [Wrong(column=name, rows=np.array(rows, dtype=np.int64), value=str(listed[rows[0]]))]


def _read_texts(texts: set[str], codes: set[str | None]) -> dict[str, float]:
    """Give the number that each text stands for, NaN for a missing one; what stands for none is left out."""
    ordered = sorted(texts)
    found = as_numbers(np.array([*ordered, None], dtype=object))[:-1]
    missing = [text in codes or not text.strip() for text in ordered]
    return {
        text: MISSING if empty else float(number)
        for text, number, empty in zip(ordered, found, missing, strict=True)
        if empty or not np.isnan(number)
    }
