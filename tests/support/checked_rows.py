"""Checked rows: a data frame as the subject of an evaluation, split by chance or as given; no model is fitted."""

from typing import Any

import numpy as np
import pandas as pd
from canonical_columns import canonical

from golive.domain.bundle import Decision
from golive.domain.judging import Declared
from golive.domain.signature import Field, Signature
from golive.evaluation.run import baseline_predictions
from golive.evaluation.subject import Rows, Subject
from golive.packaging.profile import profile


def parts_of(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw the training rows and a quarter of test rows, each in their order."""
    order = np.random.default_rng(seed).permutation(rows)
    return np.sort(order[rows // 4 :]), np.sort(order[: rows // 4])


def subject_of(
    frame: pd.DataFrame,
    target: str,
    *,
    parts: tuple[np.ndarray, np.ndarray] | None = None,
    declared: Declared | None = None,
    extra: tuple[str, ...] = (),
    training: bool = True,
    predicted: np.ndarray | None = None,
) -> Subject:
    """Judge a model that answers by chance (or as given) on the test rows of a frame."""
    train, test = parts or parts_of(len(frame))
    answer = frame[target]
    classes = () if answer.dtype.kind == "f" else tuple(sorted(map(str, answer.astype(str).unique())))
    truth = np.array([classes.index(label) for label in answer.astype(str)], np.int64) if classes else answer.to_numpy()
    columns = {name: canonical(frame[name]) for name in frame.columns if name != target}
    read = {name: values for name, values in columns.items() if name not in extra}

    def rows(places: np.ndarray) -> Rows:
        return Rows(
            columns={name: values[places] for name, values in read.items()},
            extra={name: columns[name][places] for name in extra},
            truth=truth[places],
        )

    signature = Signature(
        inputs=tuple(_field(name, values[train]) for name, values in read.items()),
        task="classification" if classes else "regression",
        target=target,
        classes=classes,
    )
    rng = np.random.default_rng(3)
    guessed = rng.dirichlet(np.ones(len(classes)), len(frame)) if classes else rng.normal(size=(len(frame), 1))
    fitted, judged = rows(train), rows(test)
    return Subject(
        signature=signature,
        decision=Decision(),
        test=judged,
        kept=np.arange(len(test), dtype=np.int64) + 100,
        answers={
            "": guessed[test] if predicted is None else predicted,
            "baseline": baseline_predictions(signature.task, truth[train], classes, len(test)),
        },
        predict=lambda table: np.zeros((len(next(iter(table.values()))), max(len(classes), 1))),
        training=fitted if training else None,
        profile=profile(signature, fitted.columns, guessed[train]),
        declared=declared or Declared(),
    )


def _field(name: str, values: np.ndarray) -> Field:
    if values.dtype.kind == "f":
        return Field(name=name, dtype="float64", nullable=True)
    known: Any = sorted({value for value in values if value is not None})
    return Field(name=name, dtype="string", nullable=True, categories=tuple(known[:200]))
