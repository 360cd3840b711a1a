"""Reweigh: weights under which group and label are independent, and the winner fitted again with them.

Kamiran and Calders 2012 ("reweighing"): a row of group g and label y weighs P(g) P(y) / P(g, y). Every group then has
the same weighted share of every label, and the weights add up to the number of rows.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from golive.errors import DataError
from golive.ports import Column, Float64, Int64
from golive.training.fitted import Fitted
from golive.training.search import predictions_of


def weights(groups: Int64 | Column, labels: Column) -> Float64:
    """Weigh rows by group and label, float64 ``[rows]``; both are any values that can be compared, without None.

    Raises:
        DataError: there are not as many groups as labels.
    """
    if len(groups) != len(labels):
        message = f"reweighing got {len(groups)} groups for {len(labels)} labels; give one group for each training row"
        raise DataError(message)
    if not len(labels):
        return np.zeros(0)
    _, group = np.unique(groups, return_inverse=True)
    _, label = np.unique(labels, return_inverse=True)
    counts = np.zeros((group.max() + 1, label.max() + 1))
    np.add.at(counts, (group, label), 1.0)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / len(labels)
    return np.asarray((expected / np.maximum(counts, 1.0))[group, label], dtype=np.float64)


def refitted(fitted: Fitted, groups: Int64 | Column) -> Callable[[Any], Float64]:
    """Fit the winner's pipeline again on the same training rows, weighed by their groups ``[training rows]``.

    The fitted model itself is left as it is. What is given back answers raw rows, as :meth:`Fitted.predict` does.

    Raises:
        DataError: it is a regression, the model takes no weights, or there is not one group for each training row.
    """
    name = fitted.winner.candidate
    if fitted.class_values is None:
        message = f"{fitted.recipe.target!r} is a number, and weights by group and label need classes to part"
        raise DataError(message)
    if not has_fit_parameter(fitted.pipeline[-1], "sample_weight"):
        message = f"the model {name!r} is fitted without weights of rows; choose another candidate to reweigh"
        raise DataError(message)
    found = weights(groups, fitted.train_target)
    model = clone(fitted.pipeline)
    step = f"{model.steps[-1][0]}__sample_weight"
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        # What the libraries have to say was said when the winner itself was fitted.
        warnings.simplefilter("ignore")
        model.fit(fitted.prepare(fitted.train_raw), fitted.train_target, **{step: found})
    return lambda raw: predictions_of(model, fitted.prepare(raw), fitted.class_values)
