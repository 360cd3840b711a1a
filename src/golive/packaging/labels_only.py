"""Labels only: classifiers that choose a class and give no probabilities, or choose against those that they give."""

from typing import Any

import numpy as np

NOTE = (
    "the model gives labels and no probabilities: the class that it chooses has the probability 1, so measures of "
    "probabilities (log loss, calibration) say little about it"
)


def disagreeing(labels: Any, probabilities: Any, classes: tuple[str, ...]) -> int:
    """Count the rows whose label is not the most probable class.

    Args:
        labels: ``[rows]``, what ``predict`` gives.
        probabilities: ``[rows, classes]``, what ``predict_proba`` gives.
        classes: As texts.
    """
    best = np.asarray(classes)[np.asarray(probabilities).argmax(axis=1)]
    chosen = np.array([str(label) for label in np.asarray(labels).reshape(-1).tolist()])
    return int((best != chosen).sum())


def disagreement(count: int, rows: int) -> str:
    """Say that answers are what ``predict`` chooses, and why."""
    return (
        f"predict and predict_proba disagree on {count:,} of {rows:,} rows of the sample: the class that predict "
        "chooses is answered, with the probability 1"
    )
