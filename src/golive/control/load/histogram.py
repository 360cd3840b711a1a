"""Histogram: durations in bins of equal relative width, so that its size does not depend on how many there are.

Below 256 ns every nanosecond has a bin; above, every power of two is divided into 128 bins. A value read back is the
middle of its bin and at most 0.4 % away from the one recorded. Histograms of several processes add up.
"""

import math
from typing import Self

import msgspec

_BITS = 7
"""Each power of two has ``2 ** _BITS`` bins."""
_LINEAR = 2 << _BITS
_LONGEST_NS = (1 << 42) - 1
"""73 minutes; a longer duration is recorded as this one."""
_BINS = ((42 - _BITS - 1) << _BITS) + _LINEAR


class Bins(msgspec.Struct, frozen=True):
    """A histogram as a message: only the bins that hold something."""

    counts: dict[int, int] = {}
    longest_ns: int = 0


class Histogram:
    """Counts durations in nanoseconds."""

    def __init__(self) -> None:
        self.count = 0
        self.longest_ns = 0
        """The greatest duration, exactly."""
        self._counts = [0] * _BINS

    @classmethod
    def of(cls, bins: Bins) -> Self:
        """Open a message again."""
        made = cls()
        made.add(bins)
        return made

    def record(self, duration_ns: int) -> None:
        """Count one duration; a negative one counts as 0."""
        value = min(max(duration_ns, 0), _LONGEST_NS)
        if value >= _LINEAR:
            shift = value.bit_length() - _BITS - 1
            self._counts[(shift << _BITS) + (value >> shift)] += 1
        else:
            self._counts[value] += 1
        self.count += 1
        # A call of max() takes longer than the rest of this method.
        if value > self.longest_ns:  # noqa: PLR1730
            self.longest_ns = value

    def add(self, bins: Bins) -> None:
        """Add what another histogram counted."""
        for place, count in bins.counts.items():
            self._counts[place] += count
            self.count += count
        self.longest_ns = max(self.longest_ns, bins.longest_ns)

    def bins(self) -> Bins:
        """Give the counts as a message."""
        return Bins({place: count for place, count in enumerate(self._counts) if count}, self.longest_ns)

    def quantile_ns(self, share: float) -> float:
        """Give the smallest duration that at least ``share`` of all are not above (0 to 1); NaN when there is none.

        This is the quantile by the inverted distribution function: no value between two recorded ones is made up.
        """
        if not self.count:
            return math.nan
        # A share such as 0.9 is a little more than it says, which must not count as one more duration.
        wanted = max(1, math.ceil(share * self.count - 1e-9))
        seen = 0
        for place, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                return min(_middle(place), float(self.longest_ns))
        return float(self.longest_ns)


def _middle(place: int) -> float:
    if place < _LINEAR:
        return float(place)
    shift = (place >> _BITS) - 1
    low = (place - (shift << _BITS)) << shift
    return low + ((1 << shift) - 1) / 2
