"""Linear: the contributions of a weighted sum, ``w (x - mean of the background)``, which are its Shapley values."""

import numpy as np

from golive.inference.explaining.container import Held, refuse
from golive.ports import Float64


class LinearGame:
    """The weights of a bundle, each on a number that is made of one column of the caller's."""

    def __init__(self, held: Held, columns: int, background: Float64) -> None:
        weights = held.array("weights", "f8", None, None)
        owners = held.array("owners", "i4", weights.shape[0]).astype(np.int64)
        if background.shape[1] != len(owners):
            refuse(f"its weights are for {len(owners)} numbers a row, and {background.shape[1]} are given")
        if len(owners) and (owners.min() < -1 or owners.max() >= columns):
            refuse("it speaks of columns that the model does not have")
        self._weights = weights
        self._offset = held.array("offset", "f8", weights.shape[1])
        self.rows = len(background)
        self._usual = background.mean(axis=0)
        self._of_columns = np.zeros((len(owners), columns + 1))
        self._of_columns[np.arange(len(owners)), np.where(owners < 0, columns, owners)] = 1.0

    @property
    def effort(self) -> int:
        """How many numbers are looked at to explain a row."""
        return int(self._of_columns.size)

    def explain(self, rows: Float64, output: int) -> tuple[float, Float64, Float64]:
        """Give the base, the answers ``[n]`` and the contributions ``[n, columns]`` of rows ``[n, features]``."""
        weights, offset = self._weights[:, output], float(self._offset[output])
        found = ((rows - self._usual) * weights) @ self._of_columns
        return float(self._usual @ weights) + offset, rows @ weights + offset, found[:, :-1]
