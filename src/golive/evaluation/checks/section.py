"""Section: all checks of the rows, one after another, and what the chapter about them draws."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from golive.domain.evidence import Measure
from golive.evaluation.checks.asked import asked
from golive.evaluation.checks.columns import column_report
from golive.evaluation.checks.duplicates import duplicates
from golive.evaluation.checks.found import Outcome, note_of
from golive.evaluation.checks.hidden import hidden_missing
from golive.evaluation.checks.identifiers import identifiers
from golive.evaluation.checks.leakage import leaks
from golive.evaluation.checks.looked import look
from golive.evaluation.checks.order import in_time
from golive.evaluation.checks.shifts import changes, shifts
from golive.evaluation.checks.units import units
from golive.evaluation.subject import Section, Subject


def checks(subject: Subject) -> Section:
    """Check the rows that a model was trained and judged on.

    At most 20,000 rows of each part are looked at (all of them for duplicates), fewer of very wide tables. On clean
    rows the chance that any finding is made is below 0.2 %.
    """
    looked = look(subject)
    # Values beyond what squares can hold say nothing here, and are shown as they are.
    with np.errstate(all="ignore"):
        changed = changes(looked)
        leaking, unit, named = leaks(looked), units(looked), identifiers(looked)
        explained = [name for outcome in (unit, named) for one in outcome.findings for name in one.columns]
        outcomes = (
            leaking,
            duplicates(subject),
            named,
            in_time(subject),
            hidden_missing(looked),
            unit,
            shifts(looked, changed, explained=explained),
            asked(looked),
        )
        report = column_report(looked, changed)
    kinds = tuple(dict.fromkeys(kind for outcome in outcomes for kind in outcome.checked))
    findings = tuple(one for outcome in outcomes for one in outcome.findings)
    notes = [note for outcome in outcomes for note in outcome.notes]
    notes += [note_of("checks_no_training", kinds=["duplicates"])] if subject.training is None else []
    details: dict[str, Any] = {
        "task": subject.signature.task,
        "rows": subject.rows,
        "training_rows": None if subject.training is None else len(subject.training.truth),
        "columns": report,
        "all_columns": len(looked.columns),
    }
    details |= {key: value for outcome in outcomes for key, value in outcome.details.items()}
    return Section(
        measures=_measures(leaking, len(looked.places)),
        details=_plain(details),
        findings=findings,
        checked=kinds,
        notes=tuple(notes),
        spoilt=tuple(one for outcome in outcomes for one in outcome.spoilt),
    )


def _measures(leaking: Outcome, rows: int) -> tuple[Measure, ...]:
    if "leakage" not in leaking.checked:
        return ()
    columns = {name for one in leaking.findings for name in one.columns}
    return (Measure(name="leakage", value=float(len(columns)), rows=rows, better="lower"),)


def _plain(value: Any) -> Any:
    """Give JSON values: None stands for what is not finite."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value
