"""From an estimator that is not fitted yet to a model that is tried."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sklearn.base import is_outlier_detector

from benchmarks.models.data import Table
from benchmarks.models.trial import Made


def fitted(make: Callable[[], Any]) -> Callable[[Table, Path], Made]:
    """Give what fits an estimator on a table."""

    def made(given: Table, folder: Path) -> Made:
        del folder
        model = make()
        model.fit(given.rows, given.answers)
        return Made(model=model, predict=asked(model))

    return made


def asked(model: Any) -> Callable[[Any], Any]:
    """Give what answers as a bundle does: ``predict``, or how far inside a row lies."""

    def answers(rows: Any) -> Any:
        # Looked up when asked: not every estimator has one.
        return model.decision_function(rows) if is_outlier_detector(model) else model.predict(rows)

    return answers
