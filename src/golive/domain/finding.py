"""Finding: something about a model or its rows that a person should look at before it goes live."""

from typing import Any, Literal

import msgspec

FindingKind = Literal[
    "leakage",
    "duplicates",
    "identifier",
    "time",
    "hidden_missing",
    "unit",
    "shift",
    "label_noise",
    "weak_slice",
    "group_gap",
    "calibration",
    "robustness",
    "rows",
]
"""What a gate rule can say ``== none`` of.

=================  ==================================================================
leakage            a column gives the target away
duplicates         rows of the training part are among the test rows
identifier         a column only numbers or names the rows
time               test rows are not later than those trained on, or the error grows with time
hidden_missing     a value stands for "missing", such as -999 or "unknown"
unit               a column is in another unit, or some of its rows are
shift              a column is distributed otherwise than in training
label_noise        more rows than chance explains have a truth that nothing else supports
weak_slice         the model is clearly worse on some rows that can be described
group_gap          groups of people are treated differently
calibration        stated probabilities are not what happens
robustness         a small stress of the inputs breaks the policy
rows               the rows do not allow what was asked of them
=================  ==================================================================
"""

USUAL_KINDS: tuple[FindingKind, ...] = (
    "leakage",
    "identifier",
    "hidden_missing",
    "unit",
    "shift",
    "label_noise",
    "weak_slice",
    "rows",
)
"""What is looked for in every table of enough rows, whatever is declared of it."""

Severity = Literal["stop", "warn", "note"]
"""``stop``: the numbers of this evaluation cannot be trusted or the model should not go live as it is."""


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that was found, with the numbers that show it."""

    kind: FindingKind
    severity: Severity
    code: str
    """Key of the sentence, ``finding.{kind}.{code}`` among the report's phrases."""
    text: str
    """The sentence in English, with its numbers and what to do."""
    values: dict[str, Any] = {}
    """What the sentence is filled with; JSON values."""
    columns: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    """Some of the rows meant, by their position in the table that was evaluated; the first twenty at most."""
    p: float | None = None
    """How likely chance alone shows as much, after correction for all that was looked at; None where it is exact."""
