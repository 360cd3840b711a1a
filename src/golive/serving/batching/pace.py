"""Pace: how much longer runs take, one after the other, than each of them is predicted to."""

_MEMORY_NS = 250_000_000.0
"""What is older counts for less than a third."""


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
        kept = max(0.0, 1.0 - passed_ns / _MEMORY_NS)
        self._passed_ns = kept * self._passed_ns + passed_ns
        self._predicted_ns = kept * self._predicted_ns + predicted_ns
        self.stretch = max(1.0, self._passed_ns / self._predicted_ns)
