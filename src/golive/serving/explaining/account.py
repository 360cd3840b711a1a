"""Account: an opened model with its explainer; rows in, why they were answered so, as values that JSON can hold."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from golive.domain.explanation import Explained
from golive.domain.signature import Field, Signature
from golive.inference.counterfactual import Counterfactuals, Reach, counterfactuals
from golive.inference.explaining.explainer import RoadExplainer
from golive.inference.goal import Goal
from golive.inference.labels import labels_of
from golive.inference.road import Road
from golive.inference.table import columns_of
from golive.ports import Column

CHUNK_ROWS = 8
"""Rows that are explained between two looks at the time."""
REASONS = 3
"""Inputs that are named as reasons of an answer."""
_QUANTITIES = {"value": "", "log_odds": "the log-odds of ", "probability": "the probability of "}
_DIGITS = 3
_NOTHING = 1e-9


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked about rows, besides the rows."""

    output: int | None = None
    """Which class is explained; None for the usual one."""
    goal: Goal | None = None
    """What would have been answered instead, where that is asked."""
    immutable: tuple[str, ...] = ()
    """Inputs that stay as they are, besides those that the bundle names."""
    evaluations: int | None = None
    """The most answers that a row may ask the model for, where its explanation is sampled."""
    reach: Reach = Reach()


class Told(msgspec.Struct, frozen=True, eq=False):
    """What is said of rows."""

    rows: tuple[dict[str, Any], ...]
    """An object for each, of plain values."""
    error: float
    """The greatest ``|answer - base - sum of contributions|`` among them."""
    evaluations: int
    """Answers that the model was asked for to explain a row; 0 where its own parts were read instead."""
    background_rows: int
    """How many background rows each was compared with."""


class Account:
    """Explains rows of one bundle. Call it from one thread at a time, as its road asks."""

    def __init__(self, road: Road, explainer: RoadExplainer) -> None:
        self.road = road
        self._explainer = explainer
        self.method = explainer.method
        self.scale = explainer.scale

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        return self.road.signature

    @property
    def fewest(self) -> int:
        """The fewest answers that the model must be asked for to explain a row; 0 where its own parts are read."""
        return 2 * len(self.signature.names) if self.method == "permutation" else 0

    def columns(self, rows: Sequence[Sequence[Any]]) -> dict[str, Column]:
        """Bring rows of values, in the order of the signature, into canonical columns; checks each of them.

        Raises:
            InvalidRowError: a value does not fit the signature; ``field`` is its path.
        """
        # The checks of :predict come first, so that a bad row is refused in the same words.
        self.road.front.rows(rows)
        return columns_of(
            self.signature,
            {name: list(values) for name, values in zip(self.signature.names, zip(*rows, strict=True), strict=True)},
        )

    def explain(
        self,
        columns: Mapping[str, Column],
        question: Question,
        *,
        look: Callable[[], None] = lambda: None,
        chunk: int = CHUNK_ROWS,
    ) -> "Told":
        """Explain rows.

        Args:
            columns: canonical columns by input.
            question: what is asked about them.
            look: is called between pieces of the work, and may raise to end it.
            chunk: rows that are explained at once.

        Raises:
            UsageError: the goal does not fit the model.
            InvalidRowError: a value does not fit the signature.
        """
        count = len(next(iter(columns.values())))
        told: list[dict[str, Any]] = []
        error, evaluations, background_rows = 0.0, 0, 0
        for start in range(0, count, chunk):
            look()
            piece = {name: column[start : start + chunk] for name, column in columns.items()}
            explained = self._explainer.explain(piece, output=question.output, evaluations=question.evaluations)
            told += self._piece(piece, explained)
            error = max(error, explained.error)
            evaluations, background_rows = explained.evaluations, explained.background_rows
        if question.goal is not None:
            for at, one in enumerate(told):
                look()
                row = {name: column[[at]] for name, column in columns.items()}
                one["counterfactual"] = self._changed(row, question.goal, question)
        return Told(tuple(told), error, evaluations, background_rows)

    def cost_ns(self) -> float:
        """Measure what the model takes for one of many rows, in nanoseconds: the quickest of three runs."""
        background = self._explainer.background
        count = len(next(iter(background.values())))
        taken = []
        for _ in range(3):
            started = time.perf_counter_ns()
            self.road.columns(background)
            taken.append(time.perf_counter_ns() - started)
        return min(taken) / count

    def _piece(self, piece: Mapping[str, Column], explained: Explained) -> list[dict[str, Any]]:
        outputs = explained.given
        labels = labels_of(self.signature)
        predictions = self.road.labels(outputs)
        told = []
        for at, prediction in enumerate(predictions):
            values = {field.name: plain(field, piece[field.name][at]) for field in self.signature.inputs}
            label = labels[int(explained.outputs[at])] if labels else None
            told.append(
                {
                    "prediction": prediction,
                    "probabilities": outputs[at].tolist() if labels else None,
                    "output": label,
                    "base": float(explained.base[at]),
                    "answer": float(explained.answers[at]),
                    "contributions": dict(zip(values, explained.contributions[at].tolist(), strict=True)),
                    "standard_errors": _errors(explained, at, tuple(values)),
                    "values": values,
                    "reasons": reasons(self.signature, explained, at, values, label),
                }
            )
        return told

    def _changed(self, row: Mapping[str, Column], goal: Goal, question: Question) -> dict[str, Any]:
        found = counterfactuals(
            self.road,
            self._explainer.background,
            row,
            goal,
            immutable=tuple(dict.fromkeys((*self.road.manifest.immutable, *question.immutable))),
            reach=question.reach,
        )
        return told_of(found, self.signature)


def told_of(found: Counterfactuals, signature: Signature) -> dict[str, Any]:
    """Give counterfactuals as plain values."""
    answers: list[dict[str, Any]] = msgspec.to_builtins(found.found)
    if not signature.classes:
        for answer in answers:
            del answer["outputs"]
    else:
        for answer in answers:
            answer["probabilities"] = answer.pop("outputs")
    return {"found": answers, "reason": found.reason or None}


def reasons(
    signature: Signature, explained: Explained, at: int, values: Mapping[str, Any], label: Any
) -> list[dict[str, Any]]:
    """Name the three inputs that moved an answer the most, the greatest first; what moved nothing is left out."""
    contributions = explained.contributions[at]
    quantity = _QUANTITIES[explained.scale] + (repr(label) if label is not None else signature.target)
    sizes = np.abs(contributions)
    order = np.argsort(-sizes, kind="stable")[:REASONS]
    told = []
    for index in order.tolist():
        name, moved = signature.names[index], float(contributions[index])
        if not abs(moved) > _NOTHING * sizes.max():
            continue
        effect = "raises" if moved > 0 else "lowers"
        unit = f" {signature.unit}" if signature.unit and label is None else ""
        text = f"{name} = {shown(values[name])} {effect} {quantity} by {shown(abs(moved))}{unit}"
        told.append({"input": name, "effect": effect, "text": text})
    return told


def shown(value: Any) -> str:
    """Write a value for people: whole numbers with commas, others with three significant digits at least."""
    if value is None:
        return "missing"
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else repr(value if len(value) <= 40 else value[:39] + "…")  # noqa: PLR2004
    if float(value).is_integer() and abs(value) < 1e15:  # noqa: PLR2004 - from here on floats are whole by themselves
        return f"{int(value):,}"
    if abs(value) >= 1:
        whole = len(str(int(abs(value))))
        return f"{value:,.{max(_DIGITS - whole, 1)}f}".rstrip("0").rstrip(".")
    return f"{value:.{_DIGITS}g}"


def plain(field: Field, value: Any) -> Any:
    """Write one canonical value as a caller sends it."""
    if value is None or isinstance(value, str):
        return value
    if math.isnan(value):
        return None
    if field.dtype == "bool":
        return bool(value)
    return int(value) if field.dtype == "int64" else float(value)


def _errors(explained: Explained, at: int, names: Sequence[str]) -> dict[str, float] | None:
    if explained.spread is None:
        return None
    return dict(zip(names, explained.spread[at].tolist(), strict=True))
