"""Permutation: Shapley values of any model, by asking it about rows that are mixed of two.

Few columns are worked out exactly over all their subsets. Of more, columns change one after the other from a
background row's value to the explained row's, in a random order and then in the opposite one (antithetic sampling:
Mitchell et al. 2022); the changes of the answer add up exactly, whatever the order.

The base is the mean answer to all background rows, however many of them were mixed with a row. What the mean answer to
those that were is away from it (a gap that only few evaluations leave) is shared out among the contributions: in
proportion to their squared standard errors, the surest keeping the most of what was found; to their squares where no
errors are known. So base and contributions add up exactly still, and a column that never moved the answer keeps 0.
"""

import math
from collections.abc import Callable, Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from golive.errors import UsageError
from golive.inference.explaining.sources import sources_of
from golive.inference.road import Road
from golive.ports import Column, Float64, Int64

EVALUATIONS = 25_600
"""Answers that are asked for to explain a row, where nobody says how many: all subsets of 8 columns, 100 rows each."""
MOST_EXACT = 8
"""Columns up to which all subsets are worked out."""
_FEWEST_ROWS = 10
"""Background rows below which sampling says more than exactness."""
_MOST_CELLS = 4_000_000
"""Numbers that a model is given at once."""
_MOST_ROWS = 50_000
_SEED = 17

Bools = npt.NDArray[np.bool_]
Mix = Callable[[int, Int64, Bools], Float64]
"""Answers float64 ``[m, outputs]`` to row ``i`` mixed with ``m`` background rows: where the mask ``[m, inputs]`` is
true, the row's own value stands."""


class Sampled(msgspec.Struct, frozen=True, eq=False):
    """What was found of ``n`` rows."""

    contributions: Float64
    """``[n, inputs]``."""
    spread: Float64 | None
    """``[n, inputs]``; None where all subsets were worked out."""
    evaluations: int
    """Answers that the model was asked for to explain a row."""
    rows: int
    """Background rows that each was mixed with."""


class Mixer:
    """Asks a road about rows that are mixed of given ones and of background rows."""

    def __init__(self, road: Road, background: Mapping[str, Column]) -> None:
        self._road = road
        self._background = background
        self.rows = len(next(iter(background.values())))
        self.inputs = len(road.signature.names)
        sources = sources_of(road.manifest.preparation, road.signature.names)
        self._sources = sources if sources.are_single else None
        self._prepared = road.front.columns(background) if self._sources else None
        self.width = max(1, self.inputs, len(sources.numbers) + len(sources.codes))
        self.base = road.session.run(*(self._prepared or road.front.columns(background))).mean(axis=0)
        """``[outputs]``: the mean answer to all background rows."""

    def mix(self, columns: Mapping[str, Column]) -> tuple[Mix, Float64]:
        """Give the way to ask about canonical rows, and the answers to the rows themselves, ``[n, outputs]``.

        Raises:
            InvalidRowError: a row's value does not fit the signature.
        """
        numbers, codes = self._road.front.columns(columns)
        answers = self._road.session.run(numbers, codes)
        if self._sources is None or self._prepared is None:
            return self._by_columns(columns), answers
        their_numbers, their_codes = self._prepared
        sources = self._sources

        def ask(row: int, places: Int64, own: Bools) -> Float64:
            return self._road.session.run(
                np.where(own[:, sources.numbers], numbers[row], their_numbers[places]),
                np.where(own[:, sources.codes], codes[row], their_codes[places]),
            )

        return ask, answers

    def _by_columns(self, columns: Mapping[str, Column]) -> Mix:
        """Mix the columns themselves, where a step makes one number of several of them."""

        def ask(row: int, places: Int64, own: Bools) -> Float64:
            mixed = {
                name: np.where(own[:, place], columns[name][row], self._background[name][places])
                for place, name in enumerate(self._road.signature.names)
            }
            return self._road.session.run(*self._road.front.columns(mixed))

        return ask


def shapley(mixer: Mixer, mix: Mix, outputs: Int64, evaluations: int) -> Sampled:
    """Work out each row's contributions to its output ``outputs[i]``, asking for at most ``evaluations`` answers a row.

    Raises:
        UsageError: so few answers are not enough to change every column once.
    """
    subsets = 2**mixer.inputs if mixer.inputs <= MOST_EXACT else 0
    rows = min(mixer.rows, evaluations // subsets) if subsets else 0
    if rows >= min(mixer.rows, _FEWEST_ROWS):
        return _exact(mixer, mix, outputs, rows)
    return _sampled(mixer, mix, outputs, evaluations)


def _exact(mixer: Mixer, mix: Mix, outputs: Int64, rows: int) -> Sampled:
    inputs = mixer.inputs
    subsets = np.arange(2**inputs)
    own = (subsets[:, None] >> np.arange(inputs)) & 1 > 0
    weights = _subset_weights(own)
    places = _spread_rows(mixer.rows, rows)
    contributions = np.empty((len(outputs), inputs))
    for row, output in enumerate(outputs.tolist()):
        asked = _asked(mixer, mix, row, output, np.tile(places, len(own)), own.repeat(rows, axis=0))
        worth = asked.reshape(len(own), rows).mean(axis=1)
        found = worth @ weights
        contributions[row] = found + _shared(worth[0] - mixer.base[output], found**2)
    return Sampled(contributions, None, rows * len(own), rows)


def _subset_weights(own: Bools) -> Float64:
    """Give ``[subsets, inputs]``: Shapley's weight of a subset's worth in each column's contribution (1953)."""
    inputs = own.shape[1]
    size = own.sum(axis=1)
    factor = [1.0 / (inputs * math.comb(inputs - 1, count)) for count in range(inputs)]
    joined = np.array([0.0, *factor])[size]
    left = np.array([*factor, 0.0])[size]
    weights: Float64 = np.where(own, joined[:, None], -left[:, None])
    return weights


def _sampled(mixer: Mixer, mix: Mix, outputs: Int64, evaluations: int) -> Sampled:
    inputs = mixer.inputs
    walks = evaluations // (2 * inputs)
    if walks < 1:
        message = (
            f"{evaluations} evaluations are too few to explain a row of {inputs} columns; allow at least {2 * inputs}"
        )
        raise UsageError(message, field="evaluations")
    walks -= walks % mixer.rows if walks > mixer.rows else 0
    rng = np.random.default_rng(_SEED)
    order = rng.permuted(np.tile(np.arange(inputs), (walks, 1)), axis=1)
    places = np.resize(_spread_rows(mixer.rows, min(walks, mixer.rows)), walks)
    contributions = np.empty((len(outputs), inputs))
    spread = np.empty_like(contributions)
    for row, output in enumerate(outputs.tolist()):
        each, start = _walked(mixer, mix, row, output, places, order)
        found = each.mean(axis=0)
        spread[row] = each.std(axis=0, ddof=1) / math.sqrt(walks) if walks > 1 else np.nan
        errors = spread[row] if walks > 1 else found
        contributions[row] = found + _shared(start.mean() - mixer.base[output], errors**2)
    return Sampled(contributions, spread, walks * 2 * inputs, min(walks, mixer.rows))


def _shared(gap: float, weights: Float64) -> Float64:
    """Share a gap out in proportion to weights ``[inputs]``; evenly where all of them are 0."""
    total = weights.sum()
    shares: Float64 = gap * (weights / total if total > 0 else np.full(len(weights), 1.0 / len(weights)))
    return shares


def _walked(mixer: Mixer, mix: Mix, row: int, output: int, places: Int64, order: Int64) -> tuple[Float64, Float64]:
    """Walk each order forth and back; gives the contributions of every walk and the answers where they began."""
    walks, inputs = order.shape
    rank = np.argsort(order, axis=1)
    steps = np.arange(2 * inputs)
    asked = np.empty((walks, 2 * inputs))
    together = max(1, min(_MOST_ROWS, _MOST_CELLS // mixer.width) // (2 * inputs))
    for start in range(0, walks, together):
        some = slice(start, start + together)
        forth = rank[some, None, :] < steps[None, : inputs + 1, None]
        back = rank[some, None, :] >= inputs - steps[None, 1:inputs, None]
        own = np.concatenate((forth, back), axis=1).reshape(-1, inputs)
        asked[some] = _asked(mixer, mix, row, output, places[some].repeat(2 * inputs), own).reshape(-1, 2 * inputs)
    first, last = asked[:, :1], asked[:, inputs : inputs + 1]
    ahead = np.diff(asked[:, : inputs + 1], axis=1)
    behind = np.diff(np.concatenate((first, asked[:, inputs + 1 :], last), axis=1), axis=1)[:, ::-1]
    found = np.empty((walks, inputs))
    np.put_along_axis(found, order, (ahead + behind) / 2.0, axis=1)
    return found, asked[:, 0]


def _asked(mixer: Mixer, mix: Mix, row: int, output: int, places: Int64, own: Bools) -> Float64:
    together = max(1, min(_MOST_ROWS, _MOST_CELLS // mixer.width))
    parts = [
        mix(row, places[start : start + together], own[start : start + together])[:, output]
        for start in range(0, len(own), together)
    ]
    return np.concatenate(parts)


def _spread_rows(rows: int, count: int) -> Int64:
    return np.unique(np.linspace(0, rows - 1, count).round().astype(np.int64))
