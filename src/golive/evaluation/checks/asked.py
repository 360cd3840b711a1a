"""Asked: whether the rows allow what is asked of them: several classes, answers that differ, columns that are full."""

import numpy as np

from golive.domain.finding import Finding, Severity
from golive.evaluation.checks.found import SURE, Outcome, few, finding
from golive.evaluation.checks.looked import Looked, Seen, codes_of
from golive.evaluation.checks.order import later
from golive.evaluation.subject import Section, Subject
from golive.ports import Float64

_FEWEST = 30
_LEAST_SINGLE = 0.5
_VARIED = 20
_PRECISE = 1e-4


def asked(looked: Looked) -> Outcome:
    """Find what makes these rows, or the answers to them, say little."""
    after = later(looked.subject)
    columns = [
        result for seen in looked.columns if (result := _column(seen, len(looked.columns), after=after)) is not None
    ]
    found = [
        *_answers(looked.subject),
        *_truth(looked.subject),
        *_groups(looked.subject),
        *few(columns),
        *few(_copies(looked)),
    ]
    return Outcome(findings=tuple(found), checked=("rows",))


def one_truth(subject: Subject) -> Section:
    """Find that all test rows have the same known answer, where the columns of rows say nothing, as of tensors."""
    return Section(findings=tuple(_truth(subject)))


def _answers(subject: Subject) -> list[Finding]:
    predicted, found = subject.predicted, []
    if len(predicted) > 1 and bool((predicted == predicted[0]).all()):
        found.append(finding("rows", "constant_predictions", "warn", total=len(predicted)))
    if subject.signature.task != "classification":
        return found
    total = predicted.sum(axis=1)
    broken = (predicted < -_PRECISE).any(axis=1) | (predicted > 1 + _PRECISE).any(axis=1) | (abs(total - 1) > _PRECISE)
    places = np.flatnonzero(broken)
    if len(places):
        row = predicted[places[0]]
        rows = tuple(int(place) for place in subject.kept[places[:20]])
        outside = row[(row < 0) | (row > 1)]
        example = float(outside[0]) if len(outside) else float(row.sum())
        found.append(
            finding("rows", "probabilities", "stop", rows=rows, count=len(places), row=rows[0], example=example)
        )
    return found


def _truth(subject: Subject) -> list[Finding]:
    truth = subject.test.truth
    if len(truth) < 2 or np.ptp(truth) > 0:  # noqa: PLR2004 - one row has one value
        return []
    if subject.signature.task == "classification":
        label = subject.signature.data_classes[int(truth[0])]
        return [finding("rows", "one_class", "warn", total=len(truth), label=label)]
    return [finding("rows", "one_value", "warn", total=len(truth), value=float(truth[0]))]


def _groups(subject: Subject) -> list[Finding]:
    name = subject.declared.group
    column = subject.test.column(name)
    if column is None:
        return [finding("rows", "no_group", "warn", columns=(name,), column=name)] if name else []
    (codes,), _ = codes_of(column)
    counts = np.unique(codes[np.isfinite(codes)], return_counts=True)[1]
    single = int((counts == 1).sum())
    if not len(counts) or single < _LEAST_SINGLE * len(counts):
        return []
    return [finding("rows", "single_groups", "warn", columns=(name,), count=single, groups=len(counts), column=name)]


def _column(seen: Seen, columns: int, *, after: bool) -> Finding | None:
    test, training = seen.test, seen.training
    if len(test) < _FEWEST:
        return None
    present = test[~np.isnan(test)]
    chance = SURE / max(columns, 1)
    if len(present) == 0:
        before = None if training is None else float((~np.isnan(training)).mean())
        if not before:
            return finding("rows", "column_empty", "warn", columns=(seen.name,), column=seen.name)
        return _unlike(seen.name, "column_missing", before, len(test), chance)
    if training is None or len(present) < len(test) or (present != present[0]).any():
        return None
    others = float((training != present[0]).mean())
    # The rows of a season hold what the season holds.
    return _unlike(seen.name, "column_of_a_time" if after else "column_constant", others, len(test), chance)


def _unlike(name: str, code: str, before: float, rows: int, chance: float) -> Finding | None:
    """Make a finding where ``before`` of the training rows are otherwise, and none of the test rows."""
    p = float((1.0 - before) ** rows)
    if before == 0.0 or p > chance:
        return None
    severity: Severity = "note" if code == "column_of_a_time" else "warn"
    return finding("rows", code, severity, columns=(name,), p=p, column=name, before=before)


def _copies(looked: Looked) -> list[Finding]:
    """Find columns that are equal in every row, and hold enough that chance does not make them so."""
    held: dict[tuple[bool, bytes], str] = {}
    found = []
    for seen in looked.columns:
        whole = seen.both
        if len(whole) < _FEWEST or not _varied(whole):
            continue
        key = (seen.texts is None, _content(seen, whole))
        other = held.setdefault(key, seen.name)
        if other != seen.name:
            found.append(
                finding("rows", "column_copy", "note", columns=(seen.name, other), column=seen.name, other=other)
            )
    return found


def _varied(values: Float64) -> bool:
    """Say whether at least twenty rows differ from the most frequent value."""
    counts = np.unique(values, return_counts=True)[1]
    return len(values) - int(counts.max()) >= _VARIED


def _content(seen: Seen, whole: Float64) -> bytes:
    texts = "" if seen.texts is None else "\0".join(seen.texts)
    return np.where(np.isnan(whole), np.nan, whole + 0.0).tobytes() + texts.encode("utf-8", "surrogatepass")
