"""Class indices: lets a classifier that wants the labels 0 to k - 1 learn any labels."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone

from golive.ports import Float64


class ClassIndices(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Fits a classifier on the places of the sorted classes, and answers with the classes themselves."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: npt.NDArray[Any]) -> Self:  # noqa: N803 scikit-learn's name
        """Fit a clone of the classifier on ``[rows, columns]`` and labels ``[rows]`` of any kind."""
        self.classes_, places = np.unique(y, return_inverse=True)
        self.estimator_ = clone(self.estimator).fit(X, places)
        return self

    def predict_proba(self, X: Any) -> Float64:  # noqa: N803 scikit-learn's name
        """Give probabilities ``[rows, classes]`` in the order of ``classes_``."""
        return np.asarray(self.estimator_.predict_proba(X), np.float64)

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803 scikit-learn's name
        """Give the most probable class of each row."""
        labels: npt.NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels
