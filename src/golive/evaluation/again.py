"""Again: rows whose answers are known, asked about with other values in some of their columns.

Rows that stay as they are keep the answer that is known, so that only those are asked about that a change touches.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from golive.errors import InvalidRowError
from golive.evaluation.subject import Subject, Table, taken
from golive.ports import Column, Float64, Int64

_CELLS = 16_000_000
"""Numbers that a model is given at once, or gives."""


class Again:
    """Some of a subject's test rows, and the way to ask about them anew."""

    def __init__(self, subject: Subject, places: Int64) -> None:
        """Take the test rows at ``places``, with the model's own answers to them."""
        self.table = taken({name: subject.test.columns[name] for name in subject.signature.names}, places)
        """The rows as they are, by input; of tensors, by the names in the test rows."""
        self.clean = subject.predicted[places]
        """The answers to them, float64 ``[rows, outputs]``."""
        self._ask = subject.asking(self.table)
        self._step = max(_CELLS // max(len(self.table), self.clean.shape[1]), 1)

    def answers(self, changed: Table, places: Int64 | None = None) -> Float64:
        """Give the answers to the rows at ``places`` ``[m]`` (to all of them) with these columns ``[m]`` changed.

        Gives float64 ``[m, outputs]``; what is no number may be among them.

        Raises:
            InvalidRowError: a server would refuse one of the changed rows.
        """
        rows = np.arange(len(self.clean), dtype=np.int64) if places is None else places
        other = self._touched(changed, rows)
        found = self.clean[rows]
        for some in self._pieces(other):
            found[some] = self._ask(rows[some], taken(changed, some))
        return found

    def whole(self, changed: Table, places: Int64 | None = None) -> Float64 | None:
        """Give the answers; None where a server would refuse one of the rows, or an answer is no number."""
        try:
            answers = self.answers(changed, places)
        except InvalidRowError:
            return None
        return answers if np.isfinite(answers).all() else None

    def _touched(self, changed: Table, rows: Int64) -> Int64:
        """Give the places in ``rows`` where a changed column holds another value than before."""
        other = np.zeros(len(rows), dtype=np.bool_)
        for name, column in changed.items():
            other |= _differs(column, self.table[name][rows])
        return np.flatnonzero(other).astype(np.int64)

    def _pieces(self, places: Int64) -> Iterator[Int64]:
        for start in range(0, len(places), self._step):
            yield places[start : start + self._step]


def _differs(column: Column, other: Column) -> npt.NDArray[np.bool_]:
    if column.ndim > 1:
        # A tensor's values are many, and a stress that reaches a row reaches some of them.
        return np.ones(len(column), dtype=np.bool_)
    found: npt.NDArray[np.bool_] = np.asarray(column != other, dtype=np.bool_)
    if column.dtype.kind == "f":
        found &= ~(np.isnan(column) & np.isnan(other))
    return found
