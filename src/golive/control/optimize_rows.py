"""Which rows an optimization may see: of a project, of a file, or of a notebook; and the verb that finds them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive.control.evaluate import evaluate
from golive.control.frames import digest_of_rows, named_columns
from golive.control.handles import BundleHandle
from golive.control.judged import answers_of
from golive.control.optimize import Optimized, Plan, Rows, accepted, halves, optimize, taken
from golive.control.optimize_project import project_rows
from golive.control.package import package, table_columns, truth_of
from golive.control.project.read import base_of, read_project
from golive.control.refs import find_bundle
from golive.control.rooms import Rooms, open_rooms
from golive.control.stages import Say
from golive.control.steps import project_folder
from golive.control.train import Progress, train
from golive.domain.bundle import Bundle
from golive.domain.digest import Digest
from golive.errors import DataError, UsageError
from golive.inference.table import columns_of
from golive.optimization.limits import Limits, Prefer
from golive.optimization.tried import Tried
from golive.ports import Column, Float64, Int64
from golive.training.recipe import Source
from golive.training.source import read_source

MAKING_SHARE = 0.5
"""Of the rows that are given without training rows: so many are for making candidates, the others for judging them."""


class OptimizedBundle(BundleHandle):
    """The bundle that an optimization chose, or the given one where nothing better was found."""

    def __init__(self, found: Optimized, rooms: Rooms) -> None:
        super().__init__(found.bundle or found.parent, rooms)
        self.found = found

    def __repr__(self) -> str:
        best = self.found.searched.best
        told = f"{best.candidate.name}: {best.reason}" if best else "nothing smaller or faster is good enough"
        return f"{super().__repr__()[:-1]}, {told}>"

    def _repr_html_(self) -> str:
        return self.found.plot.read_text("utf-8")


def optimize_reference(
    reference: str,
    *,
    data: Path | None,
    training: Path | None = None,
    plan: Plan,
    say: Say,
    on_progress: Progress,
    told: Callable[[Tried], None],
) -> Optimized:
    """Optimize a project's bundle on its own rows, or any bundle on the rows of a file.

    Of a project, candidates are made from training rows, chosen by one half of the test rows, and the chosen one is
    evaluated on the other half, which no choice has seen. Of a bundle, candidates are made from the rows of
    ``training``, which needs no target, and judged on all of ``data``; without it each gets one half of ``data``.

    Raises:
        UsageError: a bundle outside its project needs ``data``; or ``training`` is given for a project, which has its
            own.
        DataError: the file cannot be read, or lacks the target.
    """
    folder = project_folder(reference)
    rooms = open_rooms(base_of(folder) if folder else None)
    if folder is None:
        if data is None:
            message = f"{reference} is a bundle, so rows must be given: golive optimize {reference} --data FILE"
            raise UsageError(message)
        bundle = find_bundle(reference, rooms)
        return optimize(bundle, _rows_of_files(bundle, data, training), plan, rooms, told=told)
    if training is not None:
        message = f"{reference} is a project, whose own training rows candidates are made from; leave out --training"
        raise UsageError(message)
    project = read_project(folder)
    trained = train(project, base_of(folder), rooms, say=say, on_progress=on_progress)
    bundle = package(project, trained, rooms, say=say)
    plan = msgspec.structs.replace(plan, metric=plan.metric or project.search.metric or "")
    if data is not None:
        making = _some(bundle, table_columns(bundle.signature, trained.fitted().train_raw))
        columns, truth, digest = _read(bundle, data)
        rows = given_rows(bundle, making, columns, truth, digest, trained=True)
        return optimize(bundle, rows, plan, rooms, told=told)
    divided = project_rows(bundle, trained)
    found = optimize(bundle, divided.rows, plan, rooms, told=told)
    if found.bundle is not None:
        evaluate(project, trained, found.bundle, rooms, say=say, positions=divided.measuring)
    return found


def optimize_handle(
    bundle: BundleHandle,
    rows: Any,
    truth: Any,
    *,
    max_loss: float = 0.005,
    metric: str = "",
    prefer: Prefer = "latency",
    budget_s: float = 60.0,
    only: Sequence[str] = (),
    training: Any = None,
) -> OptimizedBundle:
    """Make a bundle smaller and faster within a budget of loss; gives the best one that was found, or the same again.

    Args:
        bundle: What :func:`package` or :func:`load` gave.
        rows: Validation rows: a data frame, a mapping of columns, or an array in the order of the signature. The model
            was not trained on them, and they are not the test rows.
        truth: One known answer a row.
        max_loss: The greatest worsening of the metric, as a share of its value; the upper end of its 95 % interval
            must keep to it.
        metric: ``accuracy`` or ``rmse`` where none is named.
        prefer: What the best one is best at: ``latency`` (one row), ``throughput`` (a thousand) or ``size``.
        budget_s: No candidate is begun after so many seconds.
        only: The optimizers to ask, such as ``("precision", "int8")``; all that are installed where none is named.
        training: Rows to calibrate and to distill with; without them, half of ``rows`` is taken for that.

    Raises:
        UsageError: the bundle takes tensors, or there is no such metric.
        DataError: there is not one answer for each row, or too few rows.
    """
    inner = bundle.bundle
    columns = columns_of(inner.signature, named_columns(rows, inner))
    answers = np.asarray(truth)
    count = len(next(iter(columns.values())))
    if answers.shape != (count,):
        message = f"there are {count} rows, but known answers of the shape {answers.shape}; give one for each row"
        raise DataError(message)
    known, digest = truth_of(inner.signature, answers), digest_of_rows(columns, answers)
    if training is None:
        chosen = split_rows(inner, columns, known, digest)
    else:
        given = columns_of(inner.signature, named_columns(training, inner))
        chosen = given_rows(inner, _some(inner, given), columns, known, digest, trained=False)
    limits = Limits(max_loss=max_loss, prefer=prefer)
    plan = Plan(limits=limits, metric=metric, budget_s=budget_s, only=tuple(only))
    rooms = bundle._rooms  # noqa: SLF001 - a handle of control
    return OptimizedBundle(optimize(inner, chosen, plan, rooms, told=lambda _: None), rooms)


def split_rows(bundle: Bundle, columns: Mapping[str, Column], truth: Float64 | Int64, data: Digest) -> Rows:
    """Split rows at random: one half to make candidates from, the other to judge them by."""
    making, judging = halves(accepted(bundle, columns), MAKING_SHARE)
    return Rows(making=taken(columns, making), judging=taken(columns, judging), truth=truth[judging], data=data)


def given_rows(
    bundle: Bundle,
    making: Mapping[str, Column],
    columns: Mapping[str, Column],
    truth: Float64 | Int64,
    data: Digest,
    *,
    trained: bool,
) -> Rows:
    """Judge by all rows that the signature lets pass; candidates are made from other ones."""
    judging, _ = halves(accepted(bundle, columns), 1.0)
    return Rows(
        making=making,
        judging=taken(columns, judging),
        truth=truth[judging],
        data=data,
        trained=trained,
    )


def _rows_of_files(bundle: Bundle, data: Path, training: Path | None) -> Rows:
    columns, truth, digest = _read(bundle, data)
    if training is None:
        return split_rows(bundle, columns, truth, digest)
    frame, _, _ = read_source(Source(file=training.name), training.absolute().parent)
    making = _some(bundle, table_columns(bundle.signature, frame))
    return given_rows(bundle, making, columns, truth, digest, trained=False)


def _some(bundle: Bundle, columns: Mapping[str, Column]) -> dict[str, Column]:
    chosen, _ = halves(accepted(bundle, columns), 1.0)
    return taken(columns, chosen)


def _read(bundle: Bundle, data: Path) -> tuple[dict[str, Column], Float64 | Int64, Digest]:
    frame, digest, _ = read_source(Source(file=data.name), data.absolute().parent)
    return table_columns(bundle.signature, frame), truth_of(bundle.signature, answers_of(bundle, frame, data)), digest
