"""Which rows an optimization may see, of a project or of a file, and the verb that finds them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from golive.control.here import project_folder
from golive.control.judging.evaluate import evaluate
from golive.control.judging.judged import answers_of
from golive.control.optimizing.halves import Rows, halves, taken
from golive.control.optimizing.optimize import Optimized, Plan, optimize
from golive.control.optimizing.optimize_project import project_rows
from golive.control.packing.opened import accepted, table_columns
from golive.control.packing.package import package
from golive.control.packing.truth import truth_of
from golive.control.project.read import base_of, read_project
from golive.control.refs import find_bundle
from golive.control.rooms import open_rooms
from golive.control.stages import Say
from golive.control.train import Progress, train
from golive.domain.bundle import Bundle
from golive.domain.digest import Digest
from golive.errors import UsageError
from golive.optimization.tried import Tried
from golive.ports import Column, Float64, Int64
from golive.training.recipe import Source
from golive.training.source import read_source

MAKING_SHARE = 0.5
"""Of the rows that are given without training rows: so many are for making candidates, the others for judging them."""


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
        making = some(bundle, table_columns(bundle.signature, trained.fitted().train_raw))
        columns, truth, digest = _read(bundle, data)
        rows = given_rows(bundle, making, columns, truth, digest, trained=True)
        return optimize(bundle, rows, plan, rooms, told=told)
    divided = project_rows(bundle, trained)
    found = optimize(bundle, divided.rows, plan, rooms, told=told)
    if found.bundle is not None:
        evaluate(project, trained, found.bundle, rooms, say=say, positions=divided.measuring, on_progress=on_progress)
    return found


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
    making = some(bundle, table_columns(bundle.signature, frame))
    return given_rows(bundle, making, columns, truth, digest, trained=False)


def some(bundle: Bundle, columns: Mapping[str, Column]) -> dict[str, Column]:
    """Take rows that the signature lets pass, not more than candidates are made from."""
    chosen, _ = halves(accepted(bundle, columns), 1.0)
    return taken(columns, chosen)


def _read(bundle: Bundle, data: Path) -> tuple[dict[str, Column], Float64 | Int64, Digest]:
    frame, digest, _ = read_source(Source(file=data.name), data.absolute().parent)
    return table_columns(bundle.signature, frame), truth_of(bundle.signature, answers_of(bundle, frame, data)), digest
