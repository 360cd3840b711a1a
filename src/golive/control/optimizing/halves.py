"""Halves: the rows that candidates are made from, and others that they are judged by."""

from collections.abc import Mapping

import msgspec
import numpy as np

from golive.domain.digest import Digest
from golive.domain.evidence import RowsFrom
from golive.ports import Column, Float64, Int64

MOST_ROWS = 20_000
"""More rows than this make no interval that matters narrower, and every candidate slower to judge."""
SEED = 20


class Rows(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The rows of one optimization, by column in the canonical form: to make candidates from, and to judge them by."""

    making: Mapping[str, Column]
    judging: Mapping[str, Column]
    truth: Float64 | Int64
    """Of the rows to judge by: values, or class indices (-1: unknown)."""
    data: Digest
    rows_from: RowsFrom = "given"
    trained: bool = False
    """Whether ``making`` are the rows that the model was trained on: the reference profile is then made anew."""


def taken(columns: Mapping[str, Column], rows: Int64) -> dict[str, Column]:
    """Take rows of a table of columns."""
    return {name: column[rows] for name, column in columns.items()}


def halves(rows: Int64, share: float) -> tuple[Int64, Int64]:
    """Split rows at random, the same way each time: ``share`` of them first, at most :data:`MOST_ROWS` each."""
    mixed = np.random.default_rng(SEED).permutation(rows)
    border = round(len(mixed) * share)
    return np.sort(mixed[:border][:MOST_ROWS]), np.sort(mixed[border:][:MOST_ROWS])
