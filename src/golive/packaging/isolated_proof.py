"""Isolated proof: the original here and the same object in its process give the same bits, row by row.

Both compute with the same libraries, so nothing less is accepted. A sum over many rows may be rounded otherwise than
one over few: both are therefore asked in the same company.
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
        ParityError: an answer differs in a bit; the message shows the row.
    """
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
            _same(as_given(start, stop), road, _part(rows, slice(start, stop)))
    good = road.front.accepted(made)
    made = {name: column[good] for name, column in made.items()}
    answered = sum(
        _compared(original, road, _part(made, slice(start, start + SLICE))) for start in range(0, _count(made), SLICE)
    )
    small = _small(original, road, rows, accepted) + _small(original, road, made, np.ones(_count(made), np.bool_))
    proved = int(accepted.sum()) + answered
    return Proof(
        rows=proved,
        measures=(
            Measure(name="parity.difference", value=0.0, rows=proved, better="lower", note="the same bits"),
            Measure(name="parity.flipped", value=0.0, rows=proved, better="lower"),
            Measure(name="parity.single_row", value=0.0, rows=small, better="lower", note="in companies of 1, 2 and 7"),
        ),
        details={
            "tolerance": 0.0,
            "test_rows": int(accepted.sum()),
            "boundary_rows": answered,
            "refused_rows": int((~accepted).sum() + (~good).sum()),
            "unanswered_rows": _count(made) - answered,
            "unseen": "every text that training did not have reaches the model as one and the same such text",
        },
    )


def _small(original: Asked, road: Road, rows: Mapping[str, Column], allowed: Any) -> int:
    found = np.flatnonzero(allowed)
    if not len(found):
        return 0
    chosen = found[np.unique(np.linspace(0, len(found) - 1, min(_ALONE, len(found))).astype(np.int64))]
    asked = 0
    for size in _COMPANIES:
        for start in range(0, len(chosen), size):
            asked += _compared(original, road, _part(rows, chosen[start : start + size]))
    return asked


def _compared(original: Asked, road: Road, rows: Mapping[str, Column]) -> int:
    """Compare rows, and give how many both answered; unanswerable ones are found by halving."""
    count = _count(rows)
    try:
        with np.errstate(all="ignore"):  # extreme rows overflow on purpose
            expected = original(rows)
    except Exception:  # noqa: BLE001 - the border: any object's own errors
        if count <= 1:
            return 0
        half = count // 2
        return _compared(original, road, _part(rows, slice(0, half))) + _compared(
            original, road, _part(rows, slice(half, count))
        )
    _same(expected, road, rows)
    return count


def _same(expected: Float64, road: Road, rows: Mapping[str, Column]) -> None:
    try:
        found = road.columns(rows)
    except GoliveError as error:
        message = f"the original answers rows that the isolated model does not: {error.message}; {_remedy()}"
        raise ParityError(message) from error
    if expected.shape != found.shape:
        message = (
            f"the original answers with the shape {expected.shape}, the isolated model with {found.shape}; {_remedy()}"
        )
        raise ParityError(message)
    equal = (expected.view(np.int64) == found.view(np.int64)) | (np.isnan(expected) & np.isnan(found))
    if equal.all():
        return
    worst = int((~equal.all(axis=1)).argmax())
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
    raise ParityError(message)


def _unseen(road: Road, row: Mapping[str, Any]) -> list[str]:
    known = {field.name: field.categories for field in road.signature.inputs if field.dtype == "string"}
    return [name for name, values in known.items() if row[name] is not None and row[name] not in values]


def _remedy() -> str:
    return "a model that draws at random or remembers earlier rows cannot be proved; give it a fixed random_state"


def _count(rows: Mapping[str, Column]) -> int:
    return len(next(iter(rows.values()), ()))


def _part(rows: Mapping[str, Column], chosen: Any) -> dict[str, Column]:
    return {name: column[chosen] for name, column in rows.items()}
