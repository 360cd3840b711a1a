"""Batch: pieces of requests that run together, and apart when that fails."""

from collections.abc import Callable, Sequence

import numpy as np

from golive.errors import GoliveError
from golive.ports import Float64, Int64
from golive.serving.batching.cost import Run
from golive.serving.batching.fair_queue import Piece


class Batch:
    """One run of a model. ``work`` is called once, in the compute thread; everything else is read after it.

    Args:
        pieces: what runs, at least one row.
        run: the model.
        expected_ns: what the run is predicted to take.
        clock: nanoseconds.
    """

    def __init__(self, pieces: Sequence[Piece], run: Run, expected_ns: float, clock: Callable[[], int]) -> None:
        self.pieces = pieces
        self.expected_ns = expected_ns
        self.rows = sum(len(piece.numbers) for piece in pieces)
        self.results: list[Float64 | Exception] = []
        """For every piece its outputs, or the error that its own rows cause."""
        self.is_clean = True
        """Whether all pieces ran together, so that the time says what such a run costs."""
        self.taken_ns = 0
        self._run = run
        self._clock = clock

    def work(self) -> None:
        """Run the pieces together; if that fails, each alone, so that only the guilty one fails."""
        started = self._clock()
        try:
            self.results = _parts(self._together(), self.pieces)
        except Exception as error:  # noqa: BLE001  the border: a model's error belongs to a request
            self.is_clean = False
            self.results = [error] if len(self.pieces) == 1 else [self._alone(piece) for piece in self.pieces]
        self.taken_ns = self._clock() - started

    def _together(self) -> Float64:
        if len(self.pieces) == 1:
            piece = self.pieces[0]
            return _checked(self._run(piece.numbers, piece.codes), self.rows)
        numbers = np.concatenate([piece.numbers for piece in self.pieces])
        return _checked(self._run(numbers, self._codes()), self.rows)

    def _codes(self) -> Int64:
        if not self.pieces[0].codes.shape[1]:
            return np.empty((self.rows, 0), dtype=np.int64)
        return np.concatenate([piece.codes for piece in self.pieces])

    def _alone(self, piece: Piece) -> Float64 | Exception:
        try:
            return _checked(self._run(piece.numbers, piece.codes), len(piece.numbers))
        except Exception as error:  # noqa: BLE001  as above
            return error


def _parts(outputs: Float64, pieces: Sequence[Piece]) -> list[Float64 | Exception]:
    if len(pieces) == 1:
        return [outputs]
    parts: list[Float64 | Exception] = []
    start = 0
    for piece in pieces:
        stop = start + len(piece.numbers)
        parts.append(outputs[start:stop])
        start = stop
    return parts


def _checked(outputs: Float64, rows: int) -> Float64:
    if outputs.ndim == 0 or len(outputs) != rows:
        message = (
            f"the model gave outputs of shape {list(outputs.shape)} for {rows} rows; "
            "package a model that gives one row of outputs for each row"
        )
        raise GoliveError(message)
    return outputs
