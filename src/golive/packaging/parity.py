"""Parity: the proof that a converted model answers like the original, row by row."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np

from golive.domain.evidence import Measure
from golive.domain.signature import Task
from golive.errors import ParityError
from golive.inference.road import Road
from golive.inference.steps import Bools
from golive.inference.table import columns_of
from golive.ports import Column, Float64, Int64

Original = Callable[[dict[str, Column]], Float64]
"""The fitted object's own answers for rows in the canonical form: ``[n, 1]`` values or ``[n, k]`` probabilities."""

SAMPLE = 200
"""So many rows also go through the road one by one and all together in the row form."""

_BINARY = 2
_LARGEST = float(np.finfo(np.float64).max)  # JSON has no infinity


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """How far two sets of answers to the same rows are apart."""

    rows: int
    difference: float
    """The greatest one: relative to ``max(1, |original|)`` for values, absolute for probabilities."""
    flipped: int = 0
    """Labels that differ though neither answer is within the tolerance of a tie."""
    ties: int = 0
    """Labels that differ where an answer is within the tolerance of a tie."""
    worst: int = -1
    """The row of the greatest difference, or of a flipped label; -1 without rows."""
    passed: bool


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A passed parity proof, ready to become evidence."""

    rows: int
    measures: tuple[Measure, ...]
    details: dict[str, Any]


def compare(original: Float64, converted: Float64, task: Task, tolerance: float, *, threshold: float = 0.5) -> Parity:
    """Compare two sets of answers, float64 ``[n, k]`` each.

    Two NaN at one place are equal; a NaN or an infinity against anything else is an infinite difference.

    Args:
        original: The fitted object's answers.
        converted: The graph's answers.
        task: Decides what a difference is, and whether there are labels.
        tolerance: The greatest allowed difference.
        threshold: Of two classes, the second wins when its probability is above this.

    Raises:
        ParityError: the shapes differ.
    """
    if original.shape != converted.shape:
        message = (
            f"the original answers with shape {original.shape}, the converted model with {converted.shape}; "
            "the conversion of this model is wrong, please report it"
        )
        raise ParityError(message)
    apart = _differences(original, converted, task)
    flips, ties = _flips(original, converted, tolerance, threshold)
    difference = float(apart.max(initial=0.0))
    flipped = int(flips.sum())
    return Parity(
        rows=len(apart),
        difference=difference,
        flipped=flipped,
        ties=int(ties.sum()),
        worst=int((flips if flipped else apart).argmax()) if len(apart) else -1,
        passed=difference <= tolerance and not flipped,
    )


def prove(
    original: Original,
    road: Road,
    test: Mapping[str, Any],
    boundary: Mapping[str, Any],
    *,
    tolerance: float,
    float32: bool = True,
) -> Proof:
    """Ask the original and the whole road for the same rows, and compare every answer.

    Rows that the signature refuses are never served, and rows that the original cannot answer (it raises
    ValueError, for a category it never saw for instance) have nothing to be compared with: both are counted and
    left out.

    Args:
        original: The fitted object.
        road: The converted model, as it will be served.
        test: Real rows that were not trained on, by column.
        boundary: Rows made to break the conversion (see ``boundary_rows``), by column.
        tolerance: The greatest allowed difference, see :class:`Parity`.
        float32: Also measure, for information, what rounding the inputs to float32 would change.

    Raises:
        ParityError: an answer is further away than the tolerance, a label differs, or the row form and the
            batch form of the road disagree; the message shows the worst row.
    """
    real, refused = _accepted(road, test)
    hard, left_out = _accepted(road, boundary)
    rows = {name: np.concatenate([real[name], hard[name]]) for name in road.signature.names}
    expected, answered = _asked(original, rows)
    rows = {name: column[answered] for name, column in rows.items()}
    answers = road.columns(rows)
    parity = _compared(expected, answers, rows, road, tolerance)
    single = _same_alone(road, rows, answers, tolerance)
    measures = [*_measures(parity), *_single_measures(single)]
    if float32:
        measures += _float32_measures(road, rows, answers, tolerance)
    return Proof(
        rows=parity.rows,
        measures=tuple(measures),
        details={
            "tolerance": tolerance,
            "test_rows": _count(real),
            "boundary_rows": _count(hard),
            "refused_rows": refused + left_out,
            "unanswered_rows": int((~answered).sum()),
            "worst_row": _plain_row(rows, parity.worst),
        },
    )


def _accepted(road: Road, table: Mapping[str, Any]) -> tuple[dict[str, Column], int]:
    columns = columns_of(road.signature, table)
    good = road.front.accepted(columns)
    return {name: column[good] for name, column in columns.items()}, int((~good).sum())


def _asked(original: Original, rows: dict[str, Column]) -> tuple[Float64, Bools]:
    """Give the original's answers, and which rows it answered; unanswerable rows are found by halving."""
    count = _count(rows)
    try:
        with np.errstate(all="ignore"):  # extreme rows overflow on purpose
            return original(dict(rows)), np.ones(count, dtype=np.bool_)
    except ValueError:
        if count <= 1:
            return np.empty((0, 0)), np.zeros(count, dtype=np.bool_)
    halves = [
        _asked(original, {name: column[part] for name, column in rows.items()})
        for part in (slice(0, count // 2), slice(count // 2, count))
    ]
    answered = np.concatenate([mask for _, mask in halves])
    found = [answers for answers, _ in halves if len(answers)]
    return (np.concatenate(found) if found else np.empty((0, 0))), answered


def _count(rows: Mapping[str, Column]) -> int:
    return len(next(iter(rows.values()), ()))


def _compared(expected: Float64, answers: Float64, rows: Mapping[str, Column], road: Road, tolerance: float) -> Parity:
    task, threshold = road.signature.task, road.manifest.decision.threshold
    if len(answers) == 0:
        message = "there is no row that the signature accepts and the original answers; give test rows to prove it with"
        raise ParityError(message)
    parity = compare(expected, answers, task, tolerance, threshold=threshold)
    if not parity.passed:
        flips = f" and {parity.flipped} labels differ" if parity.flipped else ""
        message = (
            f"the converted model is up to {parity.difference:.3g} away from the original (allowed: {tolerance:.3g})"
            f"{flips}, compared on {parity.rows} rows; the worst row is {_plain_row(rows, parity.worst)}: "
            f"original {expected[parity.worst].tolist()}, converted {answers[parity.worst].tolist()}; "
            "raise optimization.tolerance only if that is acceptable, otherwise report it"
        )
        raise ParityError(message)
    return parity


def _same_alone(road: Road, rows: Mapping[str, Column], answers: Float64, tolerance: float) -> Parity:
    """Send a sample in the row form: the tensors must be the same bits, answers one by one within the tolerance.

    Answers of golive's own graphs are the same bits, too; somebody else's graph may round one row otherwise than many.
    """
    chosen = np.unique(np.linspace(0, len(answers) - 1, min(SAMPLE, len(answers))).astype(np.int64))
    listed = list(zip(*(_plain_values(rows[name][chosen]) for name in road.signature.names), strict=True))
    batch = road.front.columns({name: column[chosen] for name, column in rows.items()})
    together = road.front.rows(listed)
    alone = [road.front.rows([row]) for row in listed]
    stacked = np.concatenate([one[0] for one in alone]), np.concatenate([one[1] for one in alone])
    if not (_same_bits(batch, together) and _same_bits(batch, stacked)):
        message = "the row form and the batch form of the declared steps disagree; this is a bug, please report it"
        raise ParityError(message)
    one_by_one = np.concatenate([road.session.run(*one) for one in alone])
    threshold = road.manifest.decision.threshold
    single = compare(answers[chosen], one_by_one, road.signature.task, tolerance, threshold=threshold)
    if not single.passed:
        row = _plain_row(rows, int(chosen[single.worst]))
        message = (
            f"a row sent alone is answered up to {single.difference:.3g} away from the same row sent with others; "
            f"the worst is {row}; the runtime cannot serve this graph, please report it"
        )
        raise ParityError(message)
    return single


def _same_bits(left: tuple[Float64, Int64], right: tuple[Float64, Int64]) -> bool:
    return left[0].tobytes() == right[0].tobytes() and left[1].tobytes() == right[1].tobytes()


def _measures(parity: Parity) -> list[Measure]:
    rows = parity.rows
    return [
        Measure(name="parity.difference", value=parity.difference, rows=rows, better="lower"),
        Measure(name="parity.flipped", value=float(parity.flipped), rows=rows, better="lower"),
        Measure(name="parity.ties", value=float(parity.ties), rows=rows),
    ]


def _single_measures(single: Parity) -> list[Measure]:
    note = "the same rows sent one by one and all together"
    return [Measure(name="parity.single_row", value=single.difference, rows=single.rows, better="lower", note=note)]


def _float32_measures(road: Road, rows: Mapping[str, Column], answers: Float64, tolerance: float) -> list[Measure]:
    numbers, codes = road.front.columns(rows)
    with np.errstate(over="ignore"):
        rounded = numbers.astype(np.float32).astype(np.float64)
    rounded = np.where(np.isinf(rounded), numbers, rounded)
    threshold = road.manifest.decision.threshold
    apart = compare(answers, road.session.run(rounded, codes), road.signature.task, tolerance, threshold=threshold)
    note = "what rounding the inputs to float32 would change; golive does not round them"
    return [
        Measure(name="float32.difference", value=min(apart.difference, _LARGEST), rows=apart.rows, note=note),
        Measure(name="float32.flipped", value=float(apart.flipped), rows=apart.rows, note=note),
    ]


def _differences(original: Float64, converted: Float64, task: Task) -> Float64:
    with np.errstate(all="ignore"):
        apart = np.abs(original - converted)
        if task == "regression":
            apart = apart / np.maximum(1.0, np.abs(original))
    same = (original == converted) | (np.isnan(original) & np.isnan(converted))
    worst: Float64 = np.where(same, 0.0, np.where(np.isfinite(apart), apart, np.inf)).max(axis=1, initial=0.0)
    return worst


def _flips(original: Float64, converted: Float64, tolerance: float, threshold: float) -> tuple[Bools, Bools]:
    differ = _labels(original, threshold) != _labels(converted, threshold)
    near = np.minimum(_margins(original, threshold), _margins(converted, threshold)) <= tolerance
    return differ & ~near, differ & near


def _labels(answers: Float64, threshold: float) -> Int64:
    if answers.shape[1] == _BINARY:
        return (answers[:, 1] > threshold).astype(np.int64)
    best: Int64 = answers.argmax(axis=1).astype(np.int64)
    return best


def _margins(answers: Float64, threshold: float) -> Float64:
    if answers.shape[1] == _BINARY:
        return np.abs(answers[:, 1] - threshold)
    if answers.shape[1] == 1:
        return np.full(len(answers), np.inf)
    ordered = np.sort(answers, axis=1)
    return ordered[:, -1] - ordered[:, -2]


def _plain_values(column: Column) -> list[Any]:
    return [None if value != value else value for value in column.tolist()]  # noqa: PLR0124 (NaN)


def _plain_row(rows: Mapping[str, Column], index: int) -> dict[str, Any]:
    return {name: _plain_values(column[index : index + 1])[0] for name, column in rows.items()}
