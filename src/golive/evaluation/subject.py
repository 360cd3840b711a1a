"""Subject: all that the parts of an evaluation read; Section: what each of them gives."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from golive.domain.bundle import Decision
from golive.domain.evidence import Measure
from golive.domain.explanation import Explained, Method
from golive.domain.finding import Finding, FindingKind
from golive.domain.judging import Declared
from golive.domain.policy import Policy
from golive.domain.profile import Profile
from golive.domain.signature import Signature
from golive.evaluation.roles import MODEL, Note
from golive.ports import Column, Float64, Int64

Table = Mapping[str, Column]
"""Columns in the canonical form: float64 with NaN, or object of str and None."""


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

    @property
    def predicted(self) -> Float64:
        """The model's own answers."""
        return self.answers[MODEL]

    @property
    def rows(self) -> int:
        """How many rows it is judged on."""
        return len(self.test.truth)


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """What one part of an evaluation gives."""

    measures: tuple[Measure, ...] = ()
    details: dict[str, Any] = {}
    """JSON values; stand in the Evidence's details under the section's name."""
    findings: tuple[Finding, ...] = ()
    checked: tuple[FindingKind, ...] = ()
    """The kinds of findings that were looked for, whether found or not."""
    notes: tuple[Note, ...] = ()


Part = Callable[[Subject], Section]
