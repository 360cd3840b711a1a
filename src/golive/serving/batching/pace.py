"""Pace: how much longer runs take, one after the other, than each of them is predicted to."""

_WINDOW_NS = 100_000_000.0
"""Some turns of a busy event loop: one alone says little."""
_NEWEST = 0.3
"""The weight of the newest window."""
_SURPRISE = 4.0
"""A window counts for at most this many times what was expected: the system may have been away with something else."""


class Pace:
    """The ratio of the time that passed to the time that was predicted, over what ran of late; never below 1.

    Under overload, an event loop that runs the model as well reads and refuses for longer than it computes: what waits
    takes two or three times the sum of its runs.
    """

    def __init__(self) -> None:
        self.stretch = 1.0
        """By what a predicted time is to be multiplied."""
        self._passed_ns = 0.0
        self._predicted_ns = 0.0

    def learn(self, passed_ns: float, predicted_ns: float) -> None:
        """Take a run into account, from the moment at which it was its turn to its end.

        A prediction of 0 says that nothing is known of the model yet.
        """
        if predicted_ns <= 0.0:
            return
        self._passed_ns += passed_ns
        self._predicted_ns += predicted_ns
        if self._passed_ns >= _WINDOW_NS:
            ratio = min(self._passed_ns / self._predicted_ns, _SURPRISE * self.stretch)
            self.stretch = max(1.0, self.stretch + _NEWEST * (ratio - self.stretch))
            self._passed_ns = self._predicted_ns = 0.0
