"""Cost: what a run takes by its number of rows, learned from the runs there were."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from golive.ports import Float64, Int64
from golive.serving.batching.limits import BatchLimits

Run = Callable[[Float64, Int64], Float64]
"""A model: float64 ``[n, numbers]`` and int64 ``[n, categories]`` in, float64 ``[n, outputs]`` out.

It gives a new array each time: parts of it are handed on while the next run is under way.
"""

Place = Literal["inline", "loop", "thread"]
"""Where a model runs: request by request in the event loop, in batches in the loop, or in batches in a thread."""

FIRST_ROWS = 16
"""The most rows of a run while nothing is known, and the least bound that is ever chosen for its cost's shape."""
MOST_ROWS = 256
"""The most rows of a run: beyond, no model that was measured gained more than a few percent."""

_NEWEST = 0.05
"""The least weight of a new run among all: some forty runs are remembered."""
_ENOUGH = 8
"""A first run on a busy machine can take a hundred times what the next ones take."""
_SURPRISE = 4.0
"""A run counts for at most this many times what was expected, so one that was interrupted changes little."""
_SPREAD = 0.01
"""The slope is fitted once the variance of the rows is this part of their mean squared: before, it is hidden."""
_KNEE = 4.0
"""A run is long enough when its rows cost this many times its fixed part: four fifths of the highest throughput."""
_MEASURED_ROWS = (1, FIRST_ROWS) * (_ENOUGH // 2)
_INLINE_NS = 15_000.0
"""Below, a request costs less alone than its part of a batch does: a batch in the loop adds 13 us to a lone request and
breaks even from four at once."""
_LOOP_NS = 5_000_000.0
"""Above, one row keeps the event loop for longer than a whole run may. Below, a thread only loses: it must win the
interpreter's lock from a loop that is busy, most of all under overload."""
_TRIED_EVERY = 16
"""One run in so many has half the rows: were all runs of a busy model equally long, it could not learn that longer ones
are better. That costs 3 % at most."""
_NS_PER_MS = 1e6


class Cost:
    """``fixed_ns + row_ns * rows``, fitted by exponentially weighted least squares.

    Both parts are never negative. Before the first run both are 0.
    """

    def __init__(self) -> None:
        self.runs = 0
        """Runs that were learned from."""
        self.fixed_ns = 0.0
        self.row_ns = 0.0
        self._rows = self._taken = self._variance = self._covariance = 0.0

    @property
    def is_known(self) -> bool:
        """Whether there were enough runs to refuse a request for what they took."""
        return self.runs >= _ENOUGH

    def of(self, rows: int) -> float:
        """Predict the nanoseconds of one run."""
        return self.fixed_ns + self.row_ns * rows

    def learn(self, rows: int, taken_ns: float) -> None:
        """Take one run of at least one row into account."""
        taken = min(taken_ns, _SURPRISE * self.of(rows)) if self.runs else taken_ns
        self.runs += 1
        weight = max(1 / self.runs, _NEWEST)
        off_rows, off_taken = rows - self._rows, taken - self._taken
        self._rows += weight * off_rows
        self._taken += weight * off_taken
        self._variance = (1 - weight) * (self._variance + weight * off_rows * off_rows)
        self._covariance = (1 - weight) * (self._covariance + weight * off_rows * off_taken)
        most = self._taken / self._rows
        if self._variance > _SPREAD * self._rows * self._rows:
            self.row_ns = min(max(self._covariance / self._variance, 0.0), most)
        else:
            # Runs of one length say nothing about the slope: it stays, or is half of the whole to begin with.
            self.row_ns = min(self.row_ns, most) if self.runs > 1 else most / 2
        self.fixed_ns = max(0.0, self._taken - self.row_ns * self._rows)


def measured(run: Run, numbers: Float64, codes: Int64, clock: Callable[[], int]) -> Cost:
    """Learn a model's cost at load, before it meets a request, from nine runs.

    Args:
        run: the model.
        numbers: float64 ``[n, numbers]``, at least one row, such as the examples of a bundle.
        codes: int64 ``[n, categories]`` of the same rows.
        clock: nanoseconds, such as ``time.perf_counter_ns``.
    """
    cost = Cost()
    run(numbers[:1], codes[:1])
    for count in _MEASURED_ROWS:
        index = np.arange(count) % len(numbers)
        some_numbers, some_codes = numbers[index], codes[index]
        started = clock()
        run(some_numbers, some_codes)
        cost.learn(count, clock() - started)
    return cost


def place_of(one_row_ns: float) -> Place:
    """Choose where a model runs best, by what one row alone costs."""
    if one_row_ns < _INLINE_NS:
        return "inline"
    return "loop" if one_row_ns <= _LOOP_NS else "thread"


def rows_of_a_run(cost: Cost, limits: BatchLimits) -> int:
    """Choose the most rows of a run: enough to spread the fixed part, few enough to keep others from waiting."""
    if limits.run_rows is not None:
        return limits.run_rows
    if cost.runs == 0:
        return FIRST_ROWS
    return max(1, _best_rows(cost, limits) // (2 if cost.runs % _TRIED_EVERY == 0 else 1))


def _best_rows(cost: Cost, limits: BatchLimits) -> int:
    if cost.row_ns <= 0.0:
        return MOST_ROWS
    worthwhile = max(FIRST_ROWS, int(_KNEE * cost.fixed_ns / cost.row_ns))
    # Where the fixed part alone is over the budget, rows may cost as much again.
    in_time = int(max(limits.run_ms * _NS_PER_MS - cost.fixed_ns, cost.fixed_ns) / cost.row_ns)
    return min(worthwhile, in_time, MOST_ROWS)
