"""Isolated proof: the original here and the same object in its process give the same answers, row by row.

Both compute with the same libraries, so the same bits are the rule, and a sum over many rows may be rounded otherwise
than one over few: both are therefore asked in the same company. Products of matrices are rounded by how the rows lie in
memory, too, which is not the same here and there: of a model that makes such products the last bits may differ, its
decisions may not.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from golive.domain.evidence import Measure
from golive.errors import GoliveError, ParityError
from golive.inference.road import Road
from golive.inference.table import columns_of
from golive.packaging.isolated import SLICE
from golive.packaging.parity import Proof
from golive.ports import Column, Float64

Asked = Callable[[Mapping[str, Column]], Float64]
"""The fitted object's answers to rows in the canonical form; raises what the object raises."""
AsGiven = Callable[[int, int], Float64]
"""The fitted object's answers to the real rows from one position up to another, in the very form they were given."""

TOLERANCE = 1e-12
"""The greatest difference, as a part of the answer (or of 1), where the bits are not the same."""
_ALONE = 24
"""So many rows, real and made, are also asked one by one and in small companies."""
_COMPANIES = (1, 2, 7)


def prove_isolated(
    original: Asked, as_given: AsGiven, road: Road, real: Mapping[str, Any], boundary: Mapping[str, Any]
) -> Proof:
    """Compare on real rows, on rows made to break it, and on rows in small companies.

    Args:
        original: The fitted object, asked for made rows.
        as_given: The fitted object, asked for the real rows; what is rebuilt in the process must equal that.
        road: The isolated model, as it will be served.
        real: Real rows by column.
        boundary: Rows made to break it, by column (see ``boundary_rows``); those that the signature or the object
            itself refuses are counted and left out.

    Raises:
        ParityError: an answer differs by more than :data:`TOLERANCE`, or a decision at all; the message shows the row.
    """
    apart = _Apart()
    rows = columns_of(road.signature, real)
    made = columns_of(road.signature, boundary)
    count = _count(rows)
    if not count:
        message = "there is no row to prove the isolated model with; give a sample with rows"
        raise ParityError(message)
    accepted = road.front.accepted(rows)
    for start in range(0, count, SLICE):
        stop = min(start + SLICE, count)
        if accepted[start:stop].all():
            apart.compare(as_given(start, stop), road, _part(rows, slice(start, stop)))
    good = road.front.accepted(made)
    made = {name: column[good] for name, column in made.items()}
    answered = sum(
        _compared(original, road, _part(made, slice(start, start + SLICE)), apart)
        for start in range(0, _count(made), SLICE)
    )
    every = np.ones(_count(made), np.bool_)
    _refuse_unless_alone(original, rows, accepted)
    small = _small(original, road, rows, accepted, apart) + _small(original, road, made, every, apart)
    proved = int(accepted.sum()) + answered
    return Proof(
        rows=proved,
        measures=(
            Measure(name="parity.difference", value=apart.worst, rows=proved, better="lower", note=apart.note),
            Measure(name="parity.flipped", value=0.0, rows=proved, better="lower"),
            Measure(name="parity.single_row", value=0.0, rows=small, better="lower", note="in companies of 1, 2 and 7"),
        ),
        details={
            "tolerance": apart.tolerance,
            "test_rows": int(accepted.sum()),
            "boundary_rows": answered,
            "refused_rows": int((~accepted).sum() + (~good).sum()),
            "unanswered_rows": _count(made) - answered,
            "unseen": "every text that training did not have reaches the model as one and the same such text",
        },
    )


class _Apart:
    """How far the two were from each other so far."""

    def __init__(self) -> None:
        self.worst = 0.0
        self.rows = 0
        """Answers, of rows in whichever company, that were not the same bits."""

    @property
    def tolerance(self) -> float:
        """What was needed of the tolerance: none of it, or all."""
        return TOLERANCE if self.rows else 0.0

    @property
    def note(self) -> str:
        """Say it in words."""
        if not self.rows:
            return "the same bits"
        return f"{self.rows:,} answers differ in their last bits, which depend on how rows lie in memory; no decision"

    def compare(self, expected: Float64, road: Road, rows: Mapping[str, Column]) -> None:
        """Compare the original's answers to rows with those of the process.

        Raises:
            ParityError: they are too far apart.
        """
        found = _answered(road, rows)
        if expected.shape != found.shape:
            message = (
                f"the original answers with the shape {expected.shape}, the isolated model with {found.shape}; "
                f"{_remedy()}"
            )
            raise ParityError(message)
        equal = (expected.view(np.int64) == found.view(np.int64)) | (np.isnan(expected) & np.isnan(found))
        if equal.all():
            return
        with np.errstate(all="ignore"):  # infinities and NaN beside a number are no small difference
            shares = np.abs(found - expected) / np.maximum(1.0, np.abs(expected))
        shares = np.where(equal, 0.0, np.where(np.isnan(shares), np.inf, shares)).max(axis=1)
        bad = (shares > TOLERANCE) | _decided_otherwise(road, expected, found)
        if bad.any():
            raise _refusal(road, rows, expected, found, int(np.where(bad, shares, -1.0).argmax()))
        self.worst = max(self.worst, float(shares.max()))
        self.rows += int((~equal.all(axis=1)).sum())


def _small(original: Asked, road: Road, rows: Mapping[str, Column], allowed: Any, apart: _Apart) -> int:
    found = np.flatnonzero(allowed)
    if not len(found):
        return 0
    chosen = found[np.unique(np.linspace(0, len(found) - 1, min(_ALONE, len(found))).astype(np.int64))]
    asked = 0
    for size in _COMPANIES:
        for start in range(0, len(chosen), size):
            asked += _compared(original, road, _part(rows, chosen[start : start + size]), apart)
    return asked


def _refuse_unless_alone(original: Asked, rows: Mapping[str, Column], accepted: Any) -> None:
    """Refuse a model that answers many rows at once and not one by itself, as most requests ask."""
    error: Exception | None = None
    for place in np.flatnonzero(accepted)[:_ALONE].tolist():
        try:
            original(_part(rows, slice(place, place + 1)))
        except Exception as raised:  # noqa: BLE001 - the border: any object's own errors
            error = raised
        else:
            return
    if error is not None:
        message = f"the model answers rows together, but not one of them alone ({error}), as most requests ask; mend it"
        raise ParityError(message) from error


def _compared(original: Asked, road: Road, rows: Mapping[str, Column], apart: _Apart) -> int:
    """Compare rows, and give how many both answered; unanswerable ones are found by halving."""
    count = _count(rows)
    try:
        with np.errstate(all="ignore"):  # extreme rows overflow on purpose
            expected = original(rows)
    except Exception:  # noqa: BLE001 - the border: any object's own errors
        if count <= 1:
            return 0
        half = count // 2
        return _compared(original, road, _part(rows, slice(0, half)), apart) + _compared(
            original, road, _part(rows, slice(half, count)), apart
        )
    apart.compare(expected, road, rows)
    return count


def _answered(road: Road, rows: Mapping[str, Column]) -> Float64:
    try:
        return road.columns(rows)
    except GoliveError as error:
        message = f"the original answers rows that the isolated model does not: {error.message}; {_remedy()}"
        raise ParityError(message) from error


def _decided_otherwise(road: Road, expected: Float64, found: Float64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if not road.signature.classes:
        return np.zeros(len(expected), np.bool_)
    return np.array([one != other for one, other in zip(road.labels(expected), road.labels(found), strict=True)])


def _refusal(road: Road, rows: Mapping[str, Column], expected: Float64, found: Float64, worst: int) -> ParityError:
    row = {name: column[worst : worst + 1].tolist()[0] for name, column in rows.items()}
    texts = _unseen(road, row)
    why = (
        f"{texts[0]!r} is a text that training did not have, and the model reads what stands in it, which cannot be "
        "handed to an isolated model; give the model known categories"
        if texts
        else _remedy()
    )
    message = (
        f"the isolated model does not answer like the original; for the row {row} the original gives "
        f"{expected[worst].tolist()}, the isolated model {found[worst].tolist()}: {why}"
    )
    return ParityError(message)


def _unseen(road: Road, row: Mapping[str, Any]) -> list[str]:
    known = {field.name: field.categories for field in road.signature.inputs if field.dtype == "string"}
    return [name for name, values in known.items() if row[name] is not None and row[name] not in values]


def _remedy() -> str:
    return "a model that draws at random or remembers earlier rows cannot be proved; give it a fixed random_state"


def _count(rows: Mapping[str, Column]) -> int:
    return len(next(iter(rows.values()), ()))


def _part(rows: Mapping[str, Column], chosen: Any) -> dict[str, Column]:
    return {name: column[chosen] for name, column in rows.items()}
