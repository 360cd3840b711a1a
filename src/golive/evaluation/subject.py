"""Subject: all that the parts of an evaluation read; Section: what each of them gives."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
import numpy as np

from golive.domain.bundle import Decision
from golive.domain.evidence import Measure
from golive.domain.explanation import Explained, Method
from golive.domain.finding import Finding, FindingKind
from golive.domain.judging import Declared
from golive.domain.policy import Policy
from golive.domain.profile import Profile
from golive.domain.signature import Signature
from golive.evaluation.roles import MODEL, Note
from golive.evaluation.spoilt import Spoilt
from golive.ports import Column, Float64, Int64

Table = Mapping[str, Column]
"""Columns in the canonical form: float64 with NaN, or object of str and None."""

Ask = Callable[[Int64, Table], Float64]
"""Answers float64 ``[m, outputs]`` to the rows at some places ``[m]`` with some columns ``[m]`` changed; raises
InvalidRowError for what a server would refuse."""


class Rows(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Rows with their true answers."""

    columns: Table
    """What the model reads, by input."""
    extra: Table = {}
    """Columns of the same rows that the model does not read."""
    truth: Float64 | Int64
    """float64 values, or int64 class indices; NaN or -1 where it is not known."""

    def column(self, name: str) -> Column | None:
        """Give a column, whether the model reads it or not; None where there is none."""
        found = self.columns.get(name)
        return self.extra.get(name) if found is None else found


class Explaining(Protocol):
    """Says why a bundle answers as it does."""

    method: Method
    effort: int
    """How much it takes to explain a row: the numbers that are looked at; 0 where ``evaluations`` decide it."""

    def explain(self, columns: Table, *, output: int | None = None, evaluations: int | None = None) -> Explained:
        """Explain canonical rows: a class, else the second of two, or the one that is most probable for the row.

        ``evaluations`` are the most answers that are asked for, a row, where contributions are sampled.
        """
        ...


class Subject(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A bundle, the rows that it is judged on, and the way to ask it about others."""

    signature: Signature
    decision: Decision
    test: Rows
    """Only rows whose truth is usable; at least one."""
    kept: Int64
    """Where each of them stands in the table that was evaluated."""
    answers: Mapping[str, Float64]
    """Role (``""`` the model, ``baseline``, ``champion``) -> finite answers to the test rows: float64 ``[n, 1]``
    values, or ``[n, classes]`` probabilities."""
    predict: Callable[[Table], Float64]
    """Asks the bundle about canonical columns, as a server would; raises InvalidRowError for what it refuses."""
    vary: Callable[[Table], Ask] | None = None
    """Gives a quicker way to ask about the same rows many times, with a few of their columns changed; the answers are
    those of ``predict``."""
    explainer: Explaining | None = None
    """Says why the bundle answers as it does; None where it holds no background rows."""
    training: Rows | None = None
    """The rows that it was trained on, where they are at hand."""
    profile: Profile | None = None
    """What it saw in training, as counts; in every bundle of rows."""
    declared: Declared = Declared()
    policy: Policy = Policy()
    """The gate's rules: the stress at which they break is part of the report."""
    seed: int = 17
    spoilt: tuple[Spoilt, ...] | None = None
    """Test values that the checks found to mean something else than they say; None before they have looked."""

    @property
    def predicted(self) -> Float64:
        """The model's own answers."""
        return self.answers[MODEL]

    @property
    def rows(self) -> int:
        """How many rows it is judged on."""
        return len(self.test.truth)

    def asking(self, table: Table) -> Ask:
        """Give the way to ask about rows, by input, again with some of their columns changed."""
        if self.vary is not None:
            return self.vary(table)
        return lambda places, changed: self.predict({**taken(table, places), **changed})

    @property
    def groups(self) -> Int64 | None:
        """The declared group of each test row, codes from 0 ``[rows]``; None where rows are independent."""
        name = self.declared.group
        return group_codes(self.test.column(name) if name else None)


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """What one part of an evaluation gives."""

    measures: tuple[Measure, ...] = ()
    details: dict[str, Any] = {}
    """JSON values; stand in the Evidence's details under the section's name."""
    findings: tuple[Finding, ...] = ()
    checked: tuple[FindingKind, ...] = ()
    """The kinds of findings that were looked for, whether found or not."""
    notes: tuple[Note, ...] = ()
    spoilt: tuple[Spoilt, ...] | None = None
    """What the parts that come later are told of the test values."""


Part = Callable[[Subject], Section]


def taken(table: Table, rows: Int64) -> dict[str, Column]:
    """Take rows of every column."""
    return {name: column[rows] for name, column in table.items()}


def group_codes(groups: Column | None) -> Int64 | None:
    """Number the groups of rows ``[n]`` from 0; a missing one is a group of its own."""
    if groups is None:
        return None
    missing = np.isnan(groups) if groups.dtype.kind == "f" else np.array([value is None for value in groups], bool)
    codes = np.empty(len(groups), dtype=np.int64)
    held = groups[~missing]
    found, places = np.unique(held if groups.dtype.kind in "fiu" else held.astype(str), return_inverse=True)
    codes[~missing] = places
    codes[missing] = len(found) + np.arange(int(missing.sum()))
    return codes


def mixed_rows(rows: int, groups: Int64 | None, seed: int) -> Int64:
    """Give the places of all rows in random order; rows of one of ``groups`` stay together."""
    order = np.random.default_rng(seed).permutation(rows if groups is None else int(groups.max()) + 1)
    if groups is None:
        return order.astype(np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return np.argsort(place[groups], kind="stable").astype(np.int64)


def whole_groups(order: Int64, cut: int, groups: Int64 | None) -> int:
    """Give the place at or after ``cut`` in :func:`mixed_rows` before which every group is whole."""
    if groups is None or not 0 < cut < len(order):
        return cut
    ends = np.flatnonzero(np.diff(groups[order]) != 0) + 1
    later = ends[ends >= cut]
    return int(later[0]) if len(later) else len(order)
