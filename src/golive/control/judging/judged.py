"""Judged: a bundle and the rows of a table, brought into the form that the parts of an evaluation read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from golive.control.judging.readable import Wrong, readable, refused_rows
from golive.control.packing.opened import table_columns
from golive.control.packing.truth import truth_of
from golive.control.project.file import Project
from golive.control.train import Trained
from golive.domain.bundle import Bundle
from golive.domain.digest import Digest
from golive.domain.judging import Declared
from golive.domain.policy import Policy
from golive.domain.signature import Signature
from golive.errors import DataError
from golive.evaluation.roles import BASELINE, CHAMPION, MODEL
from golive.evaluation.subject import Rows, Subject, Table, taken
from golive.inference.explaining.background import BACKGROUND
from golive.inference.explaining.open import open_explainer
from golive.inference.road import Road
from golive.inference.varied import Varied
from golive.packaging.build import PROFILE, profile_of
from golive.ports import Column, Float64, Int64
from golive.training.fitted import Fitted
from golive.training.frame import canonical
from golive.training.recipe import Cleaning, Source
from golive.training.source import read_source


class Judged(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Rows to judge a bundle on, and what is declared of them."""

    rows: Rows
    wrong: tuple[Wrong, ...] = ()
    """What stands in the rows where a number should; these rows are left out."""
    emptied: tuple[Wrong, ...] = ()
    """What stands in them where a number should, and is read as missing."""
    training: Rows | None = None
    declared: Declared = Declared()
    policy: Policy = Policy()


def subject_of(
    bundle: Bundle,
    files: Mapping[str, bytes],
    road: Road,
    judged: Judged,
    *,
    places: Int64,
    predicted: Float64,
    baseline: Float64,
    champion: Float64 | None,
) -> Subject | None:
    """Make the subject of an evaluation's parts; None where no row has a usable truth, or an answer is no number.

    ``places`` says where each of the judged rows stands in the table that was given.
    """
    rows, truth = judged.rows, judged.rows.truth
    usable = np.isfinite(truth) if bundle.signature.task == "regression" else truth >= 0
    if not usable.any() or not np.isfinite(predicted[usable]).all():
        return None
    answers = {MODEL: predicted, BASELINE: baseline} | ({CHAMPION: champion} if champion is not None else {})
    whole = bool(usable.all())
    known = answers if whole else {role: given[usable] for role, given in answers.items()}
    sound = {role: given for role, given in known.items() if np.isfinite(given).all()}
    kept = np.flatnonzero(usable).astype(np.int64)
    return Subject(
        signature=bundle.signature,
        decision=bundle.manifest.decision,
        test=rows if whole else rows_taken(rows, kept),
        kept=places[kept],
        answers=sound,
        predict=road.columns,
        vary=lambda table: Varied(road, table).ask,
        explainer=open_explainer(road, files) if BACKGROUND in files else None,
        training=judged.training,
        profile=profile_of(files) if PROFILE in files else None,
        declared=judged.declared,
        policy=judged.policy,
    )


def project_judged(project: Project, trained: Trained, fitted: Fitted, bundle: Bundle, chosen: Int64) -> Judged:
    """Give a project's chosen test rows and its training rows, with the declared columns that its model leaves out."""
    frame, target = _source_frame(project, trained, fitted), np.asarray(fitted.test_target)[chosen]
    return Judged(
        rows=_project_rows(project, bundle, fitted.test_raw.iloc[chosen], target, frame),
        training=_project_rows(project, bundle, fitted.train_raw, np.asarray(fitted.train_target), frame),
        declared=project.declared,
        policy=project.gate,
    )


def project_training(project: Project, trained: Trained, bundle: Bundle) -> Rows:
    """Give the rows that a project's bundle was trained on, with the declared columns that it leaves out."""
    fitted = trained.fitted()
    frame = _source_frame(project, trained, fitted)
    return _project_rows(project, bundle, fitted.train_raw, np.asarray(fitted.train_target), frame)


def _project_rows(
    project: Project, bundle: Bundle, raw: pd.DataFrame, target: Column, source: pd.DataFrame | None
) -> Rows:
    signature = bundle.signature
    extra = {} if source is None else extra_columns(source.loc[raw.index], project.declared, signature)
    return Rows(columns=table_columns(signature, raw), extra=extra, truth=truth_of(signature, target))


class ReadRows(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Rows as they were given, each with its place, and what could not be read in them; it is missing in the rows."""

    rows: Rows
    wrong: tuple[Wrong, ...] = ()
    """The rows with such a value are to be left out."""
    emptied: tuple[Wrong, ...] = ()
    """Such a value means "missing", as a project says."""

    @property
    def sound(self) -> Rows:
        """The rows without those that are to be left out."""
        bad = refused_rows(self.wrong)
        return rows_taken(self.rows, np.setdiff1d(np.arange(len(self.rows.truth)), bad)) if len(bad) else self.rows


def file_rows(
    bundle: Bundle, data: Path, declared: Declared, cleaning: Cleaning | None = None
) -> tuple[ReadRows, Digest]:
    """Read the rows of a file that holds a bundle's inputs and its target, and give them with the file's digest.

    ``cleaning`` is that of the bundle's project, which says what a wrong value becomes.

    Raises:
        DataError: the file cannot be read, or lacks the target.
    """
    frame, digest, _ = read_source(Source(file=data.name), data.absolute().parent)
    table = {str(name): frame[name].to_numpy() for name in frame.columns}
    extra = extra_columns(frame, declared, bundle.signature)
    return read_rows(bundle, table, answers_of(bundle, frame, data), extra, cleaning), digest


def answers_of(bundle: Bundle, frame: pd.DataFrame, data: Path) -> Column:
    """Give the known answers of a file's rows.

    Raises:
        DataError: the file lacks the target.
    """
    target = bundle.signature.target
    if target not in frame.columns:
        message = (
            f"{data} has no column {target!r}, which {bundle.name} predicts; its columns are {list(frame.columns)}"
        )
        raise DataError(message)
    return frame[target].to_numpy()


def read_rows(
    bundle: Bundle, table: Mapping[str, Any], answers: Column, extra: Table, cleaning: Cleaning | None = None
) -> ReadRows:
    """Bring columns by name and their known answers into the canonical form.

    Raises:
        DataError: there is not one answer for each row.
    """
    read = readable(bundle.signature, table, cleaning)
    count = len(next(iter(read.columns.values())))
    if answers.shape != (count,):
        message = f"there are {count} rows, but known answers of the shape {answers.shape}; give one for each row"
        raise DataError(message)
    rows = Rows(columns=read.columns, extra=extra, truth=usable_truth(bundle.signature, answers))
    return ReadRows(rows=rows, wrong=read.refused, emptied=read.emptied)


def usable_truth(signature: Signature, answers: Column) -> Float64 | Int64:
    """Bring known answers into the form that evaluation reads; what is no number, or no known class, is counted there.

    Of a regression, what is no number becomes NaN; an unknown label becomes -1.
    """
    if signature.task == "regression" and answers.dtype.kind not in "fiub":
        answers = pd.to_numeric(pd.Series(answers), errors="coerce").to_numpy(dtype=np.float64)
    return truth_of(signature, answers)


def rows_taken(rows: Rows, places: Int64) -> Rows:
    """Take some of the rows."""
    return Rows(columns=taken(rows.columns, places), extra=taken(rows.extra, places), truth=rows.truth[places])


def extra_columns(frame: pd.DataFrame, declared: Declared, signature: Signature) -> Table:
    """Give the declared columns of a data frame that a model does not read itself, in the canonical form.

    A column that is not there is left out; the part of the evaluation that asks for it says so.
    """
    wanted = [name for name in declared.columns if name not in signature.names and name in frame.columns]
    if not wanted:
        return {}
    found = canonical(frame[wanted])
    return {name: _plain(found[name].to_numpy()) for name in wanted}


def _source_frame(project: Project, trained: Trained, fitted: Fitted) -> pd.DataFrame | None:
    """Read a project's source again where columns are declared that its model does not read.

    Raises:
        DataError: the source holds other rows by now.
    """
    if set(project.declared.columns) <= set(fitted.signature.names):
        return None
    frame, digest, description = read_source(project.data, trained.base)
    if digest != trained.data:
        message = f"{description} was changed while the model was made from it; run it again"
        raise DataError(message)
    return frame


def _plain(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    return np.array([None if value is None or value != value else str(value) for value in values.tolist()], object)  # noqa: PLR0124 - only NaN differs from itself
