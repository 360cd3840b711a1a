"""Iris: the small model that the serving measurements share."""

from pathlib import Path
from typing import Any

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import golive

QUESTION = b'{"features": [[5.1, 3.5, 1.4, 0.2]]}'


def fitted_iris() -> tuple[Any, Any, Any]:
    """Give the fitted pipeline, its rows and its classes."""
    data = load_iris(as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(data.data, data.target)
    return model, data.data, data.target


def package_iris(home: Path) -> None:
    """Package it as ``iris`` in a state folder."""
    model, rows, target = fitted_iris()
    golive.package(model, sample=rows, target=target, name="iris", home=str(home))
