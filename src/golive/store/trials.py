"""Trials: what training runs tried, as rows of the ledger."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, insert, select

from golive.domain.trial import Trial
from golive.store import tables
from golive.store.json_text import json_text


class TrialRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trial as it was written down."""

    run: str
    position: int
    """From 0, in the order of the run."""
    trial: Trial
    chosen: bool
    at: str


def add(connection: Connection, run: str, trials: Sequence[Trial], *, chosen: int, at: str) -> None:
    """Write down the trials of a run; a run that is there already is left as it is."""
    rows = [_values(run, position, trial, position == chosen, at) for position, trial in enumerate(trials)]
    known = connection.execute(select(tables.TRIALS.c.run).where(tables.TRIALS.c.run == run).limit(1)).first()
    if rows and known is None:
        connection.execute(insert(tables.TRIALS), rows)


def find(connection: Connection, run: str | None) -> tuple[TrialRow, ...]:
    """Give the trials of one run, or of all, oldest run first."""
    query = select(tables.TRIALS).order_by(tables.TRIALS.c.at, tables.TRIALS.c.run, tables.TRIALS.c.position)
    rows = connection.execute(query if run is None else query.where(tables.TRIALS.c.run == run))
    return tuple(_row(row) for row in rows)


def runs(connection: Connection) -> tuple[str, ...]:
    """Name the runs, oldest first."""
    first = func.min(tables.TRIALS.c.at)
    query = select(tables.TRIALS.c.run).group_by(tables.TRIALS.c.run).order_by(first, tables.TRIALS.c.run)
    return tuple(row.run for row in connection.execute(query))


def _values(run: str, position: int, trial: Trial, chosen: bool, at: str) -> dict[str, Any]:
    return {
        "run": run,
        "position": position,
        "candidate": trial.candidate,
        "parameters": json_text(trial.parameters),
        "scores": json_text(trial.scores),
        "fit_s": float(trial.fit_s),
        "error": trial.error,
        "chosen": int(chosen),
        "at": at,
    }


def _row(row: Row[Any]) -> TrialRow:
    scores = msgspec.json.decode(row.scores, type=tuple[float | None, ...])
    trial = Trial(
        candidate=row.candidate,
        parameters=msgspec.json.decode(row.parameters),
        scores=tuple(float("nan") if score is None else score for score in scores),
        fit_s=row.fit_s,
        error=row.error,
    )
    return TrialRow(run=row.run, position=row.position, trial=trial, chosen=bool(row.chosen), at=row.at)
