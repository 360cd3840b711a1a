"""Judged: a bundle and the rows of a table, brought into the form that the parts of an evaluation read."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from golive.control.project.file import Project
from golive.control.train import Trained
from golive.domain.bundle import Bundle
from golive.domain.judging import Declared
from golive.domain.policy import Policy
from golive.evaluation.measured.comparison import BASELINE, CHAMPION, MODEL
from golive.evaluation.subject import Rows, Subject, Table
from golive.inference.road import Road
from golive.packaging.build import PROFILE, profile_of
from golive.ports import Float64, Int64
from golive.training.frame import canonical
from golive.training.source import read_source


class Judged(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Rows to judge a bundle on, and what is declared of them."""

    rows: Rows
    training: Rows | None = None
    declared: Declared = Declared()
    policy: Policy = Policy()


def subject_of(
    bundle: Bundle,
    files: Mapping[str, bytes],
    road: Road,
    judged: Judged,
    *,
    predicted: Float64,
    baseline: Float64,
    champion: Float64 | None,
) -> Subject | None:
    """Make the subject of an evaluation's parts; None where no row has a usable truth, or an answer is no number."""
    rows, truth = judged.rows, judged.rows.truth
    usable = np.isfinite(truth) if bundle.signature.task == "regression" else truth >= 0
    if not usable.any() or not np.isfinite(predicted[usable]).all():
        return None
    answers = {MODEL: predicted, BASELINE: baseline} | ({CHAMPION: champion} if champion is not None else {})
    sound = {role: given[usable] for role, given in answers.items() if np.isfinite(given[usable]).all()}
    kept = np.flatnonzero(usable).astype(np.int64)
    return Subject(
        signature=bundle.signature,
        decision=bundle.manifest.decision,
        test=Rows(columns=_taken(rows.columns, kept), extra=_taken(rows.extra, kept), truth=truth[kept]),
        kept=kept,
        answers=sound,
        predict=road.columns,
        training=judged.training,
        profile=profile_of(files) if PROFILE in files else None,
        declared=judged.declared,
        policy=judged.policy,
    )


def extra_columns(frame: Any, names: Sequence[str], read: Sequence[str]) -> Table:
    """Give those of the named columns of a data frame that a model does not read itself, in the canonical form.

    A column that is not there is left out; the part of the evaluation that asks for it says so.
    """
    wanted = [name for name in names if name not in read and name in frame.columns]
    found = canonical(frame[wanted])
    return {name: _plain(found[name].to_numpy()) for name in wanted}


def source_columns(project: Project, trained: Trained) -> Any:
    """Give the data frame of a project's source where columns are declared that its model does not read; else None."""
    if set(project.evaluation.columns) <= set(trained.fitted().signature.names):
        return None
    return read_source(project.data, trained.base)[0]


def _plain(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    return np.array([None if value is None or value != value else str(value) for value in values.tolist()], object)  # noqa: PLR0124 - only NaN differs from itself


def _taken(table: Table, rows: Int64) -> Table:
    return {name: column[rows] for name, column in table.items()}
