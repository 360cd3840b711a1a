"""Impute: filling missing numbers along the order of rows."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer

from golive.ports import Float64


class InterpolatingImputer(SimpleImputer):  # type: ignore[misc]
    """Fills the rows it is fitted on by linear interpolation along their order, other rows by the median.

    A served row has no neighbors, so ``transform`` is that of a median imputer; only ``fit_transform``, which a
    pipeline calls on the training rows, interpolates (values before the first and after the last known one repeat it).
    """

    def __init__(self, *, add_indicator: bool = False) -> None:
        super().__init__(strategy="median", add_indicator=add_indicator)

    def fit_transform(self, X: Any, y: Any = None, **_: Any) -> Float64:  # noqa: N803 scikit-learn's name
        """Fit on these rows and give them filled: float64 ``[rows, columns (+ indicators)]``."""
        fitted: Self = self.fit(X, y)
        values = np.array(X.to_numpy() if isinstance(X, pd.DataFrame) else X, dtype=np.float64)
        result: Float64 = fitted.transform(X)
        places = np.arange(len(values), dtype=np.float64)
        for column in range(values.shape[1]):
            missing = np.isnan(values[:, column])
            if missing.any() and not missing.all():
                known = values[~missing, column]
                result[missing, column] = np.interp(places[missing], places[~missing], known)
        return result
