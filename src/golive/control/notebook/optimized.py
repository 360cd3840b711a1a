"""What a notebook types to make a bundle smaller and faster, and what it is given to hold."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from golive.control.notebook.frames import digest_of_rows, named_columns
from golive.control.notebook.handles import BundleHandle
from golive.control.optimizing.optimize import Optimized, Plan, optimize
from golive.control.optimizing.optimize_rows import given_rows, some, split_rows
from golive.control.packing.truth import truth_of
from golive.control.rooms import Rooms
from golive.errors import DataError
from golive.inference.table import columns_of
from golive.optimization.limits import Limits, Prefer


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
        chosen = given_rows(inner, some(inner, given), columns, known, digest, trained=False)
    limits = Limits(max_loss=max_loss, prefer=prefer)
    plan = Plan(limits=limits, metric=metric, budget_s=budget_s, only=tuple(only))
    rooms = bundle._rooms  # noqa: SLF001 - a handle of control
    return OptimizedBundle(optimize(inner, chosen, plan, rooms, told=lambda _: None), rooms)
