"""Refused: rows and a model in; its answers, and the rows that it refuses with the reason for the first, out."""

from collections.abc import Sequence

import msgspec
import numpy as np

from golive.control.judging.readable import Wrong, refused_rows
from golive.domain.finding import Finding
from golive.errors import InvalidRowError
from golive.evaluation.roles import Note, note
from golive.evaluation.subject import Table, taken
from golive.inference.road import Road
from golive.inference.values import text_of
from golive.ports import Float64, Int64

_LISTED = 20


class Answered(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The answers of a model to the rows that it takes."""

    kept: Int64
    """The positions of these rows."""
    answers: Float64
    """float64 ``[len(kept), outputs]``."""


def answered(road: Road, columns: Table, wrong: Sequence[Wrong] = ()) -> Answered:
    """Ask about canonical rows; those that the signature, a declared step or the model itself refuses are left out.

    What the signature and the steps refuse is known at once, as is what could not be read (``wrong``); what the model
    refuses is found by halving.
    """
    good = road.front.accepted(columns)
    good[refused_rows(wrong)] = False
    parts = _halved(road, columns, np.flatnonzero(good).astype(np.int64))
    if not parts:
        return Answered(kept=np.empty(0, dtype=np.int64), answers=np.empty((0, max(len(road.signature.classes), 1))))
    return Answered(kept=np.concatenate([kept for kept, _ in parts]), answers=np.concatenate([a for _, a in parts]))


def refused_finding(road: Road, columns: Table, wrong: Sequence[Wrong], kept: Int64) -> Finding | None:
    """Say how many rows of a table are left out, which they are, and what is wrong with the first; None for none.

    ``columns`` holds the whole table, ``wrong`` what could not be read in it, ``kept`` the positions that are left.
    """
    total = len(next(iter(columns.values()), ()))
    places = np.setdiff1d(np.arange(total, dtype=np.int64), kept)
    if not len(places):
        return None
    code, reason, values = _reason(road, columns, wrong, int(places[0]))
    return Finding(
        kind="rows",
        severity="warn",
        code=code,
        text=f"{len(places)} of {total} rows are left out, as the model refuses them; the first, at position "
        f"{places[0]} (counted from 0), {reason}.",
        values={"count": len(places), "total": total, "row": int(places[0]), **values},
        columns=tuple(sorted({one.column for one in wrong} | {str(values["column"])} - {""})),
        rows=tuple(places[:_LISTED].tolist()),
    )


def emptied_notes(emptied: Sequence[Wrong]) -> list[Note]:
    """Say which wrong values are read as missing, as a project's cleaning wants it."""
    if not emptied:
        return []
    text = (
        "{count} values are no numbers, such as {value} in {column} at position {row} (counted from 0), and are read "
        "as missing, as cleaning.wrong_types says"
    )
    first, count = emptied[0], sum(len(one.rows) for one in emptied)
    return [note("emptied", text, count=count, value=first.value, column=first.column, row=int(first.rows[0]))]


def _halved(road: Road, columns: Table, places: Int64) -> list[tuple[Int64, Float64]]:
    if not len(places):
        return []
    whole = len(places) == len(next(iter(columns.values())))
    try:
        return [(places, road.columns(columns if whole else taken(columns, places)))]
    except InvalidRowError:
        if len(places) == 1:
            return []
    middle = len(places) // 2
    return [*_halved(road, columns, places[:middle]), *_halved(road, columns, places[middle:])]


def _reason(road: Road, columns: Table, wrong: Sequence[Wrong], place: int) -> tuple[str, str, dict[str, str]]:
    """Give the code of the sentence, what it says of a refused row, and what fills it."""
    held = next((one for one in wrong if one.rows[0] == place), None)
    if held is not None:
        return "refused", f"has {held.value!r} in {held.column!r}", {"column": held.column, "value": held.value}
    column, why = _asked_why(road, taken(columns, np.array([place])))
    if column not in columns:
        return "refused_whole", f"for this reason: {why}", {"column": "", "why": why}
    value = text_of(columns[column][place])
    if value is None:
        return "refused_missing", f"has no value in {column!r}", {"column": column}
    return "refused", f"has {value!r} in {column!r}", {"column": column, "value": value}


def _asked_why(road: Road, row: Table) -> tuple[str, str]:
    """Give the column, where one is named, and the sentence with which a row is refused."""
    try:
        road.columns(row)
    except InvalidRowError as error:
        return (error.field or "").removeprefix("$[0]").removeprefix("."), error.message.rstrip(".")
    return "", "the model refused it among other rows, and takes it alone"
