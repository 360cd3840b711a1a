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
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.errors import UsageError
from golive.inference.explaining.sources import MIXED, Sources, sources_of
from golive.inference.parts import Part, Parts
from golive.inference.pieces import run_in_pieces
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


class Sampled(msgspec.Struct, frozen=True, eq=False):
    """What was found of ``n`` rows."""

    contributions: Float64
    """``[n, inputs]``."""
    spread: Float64 | None
    """``[n, inputs]``; None where all subsets were worked out."""
    evaluations: int
    """Answers that explain a row; to rows that enter the model alike, it was asked for one."""
    rows: int
    """Background rows that each was mixed with."""


class Mixer:
    """Asks a road about rows that are mixed of given ones and of background rows."""

    def __init__(self, road: Road, background: Mapping[str, Column]) -> None:
        self.road = road
        self.background = background
        self.inputs = len(road.signature.names)
        manifest = road.manifest
        sources = sources_of(manifest.preparation, road.signature.names)
        self.sources = sources
        self.several = None if sources.are_single else _of_several(road, sources)
        """What makes the numbers and codes that are made of several columns."""
        self.numbers, self.codes = road.front.columns(background)
        self.rows = len(self.numbers)
        self.width = max(1, self.inputs, len(sources.numbers) + len(sources.codes))
        self.answers = road.session.run(self.numbers, self.codes)
        """``[rows, outputs]``: the answers to the background rows."""
        self.base = self.answers.mean(axis=0)
        """``[outputs]``: the mean of them."""

    def mix(self, columns: Mapping[str, Column]) -> "Mix":
        """Give the way to ask about canonical rows.

        Raises:
            InvalidRowError: a row's value does not fit the signature.
        """
        return Mix(self, columns)


class Mix:
    """Some rows, to be mixed with background rows."""

    def __init__(self, mixer: Mixer, columns: Mapping[str, Column]) -> None:
        self._mixer = mixer
        self._columns = columns
        self._numbers, self._codes = mixer.road.front.columns(columns)
        self.answers = mixer.road.session.run(self._numbers, self._codes)
        """``[n, outputs]``: the answers to the rows themselves."""

    def ask(self, row: int, places: Int64, own: Bools) -> Float64:
        """Answer a row mixed with ``m`` background rows, float64 ``[m, outputs]``.

        Where ``own`` ``[m, inputs]`` is true, the row's own value stands.
        """
        mixer = self._mixer
        numbers = np.where(own[:, mixer.sources.numbers], self._numbers[row], mixer.numbers[places])
        codes = np.where(own[:, mixer.sources.codes], self._codes[row], mixer.codes[places])
        if mixer.several is not None:
            part, inputs = mixer.several
            mixed = {
                name: np.where(own[:, place], self._columns[name][row], mixer.background[name][places])
                for name, place in zip(part.names, inputs, strict=True)
            }
            numbers[:, part.numbers], codes[:, part.codes] = part.front.columns(mixed)
        return run_in_pieces(mixer.road.session, numbers, codes)

    def differs(self, row: int) -> Bools:
        """Say in which inputs a row enters the model otherwise than each background row, ``[rows, inputs]``.

        In all others either value gives the same answer.
        """
        mixer = self._mixer
        found = np.zeros((mixer.rows, mixer.inputs + 1), dtype=np.bool_)
        _joined(found, mixer.sources.numbers, _other(self._numbers[row], mixer.numbers))
        _joined(found, mixer.sources.codes, self._codes[row] != mixer.codes)
        if mixer.several is not None:
            part, inputs = mixer.several
            for name, place in zip(part.names, inputs, strict=True):
                found[:, place] |= _other(self._columns[name][row], mixer.background[name])
        return found[:, :-1]


def _of_several(road: Road, sources: Sources) -> tuple[Part, tuple[int, ...]]:
    """Give what makes the mixed numbers and codes, and the places of the inputs that it reads."""
    preparation, names = road.manifest.preparation, road.signature.names
    wanted = {name for name, place in zip(preparation.numbers, sources.numbers, strict=True) if place == MIXED}
    wanted |= {one.column for one, place in zip(preparation.categories, sources.codes, strict=True) if place == MIXED}
    part = Parts(preparation, road.signature).making(wanted)
    return part, tuple(names.index(name) for name in part.names)


def _other(value: Any, values: Column) -> Bools:
    found = np.asarray(values != value, dtype=np.bool_)
    if values.dtype.kind == "f":
        found &= ~(np.isnan(values) & np.isnan(value))
    return found


def _joined(found: Bools, sources: Int64, other: Bools) -> None:
    """Mark each input of which some number or code ``[rows, made]`` is another; the last place takes the mixed ones."""
    order = np.argsort(sources, kind="stable")
    owners, starts = np.unique(sources[order], return_index=True)
    if len(owners):
        found[:, owners] |= np.logical_or.reduceat(other[:, order], starts, axis=1)


def shapley(mixer: Mixer, mix: Mix, outputs: Int64, evaluations: int) -> Sampled:
    """Work out each row's contributions to its output ``outputs[i]``, by at most ``evaluations`` answers a row.

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
    own = (np.arange(2**inputs)[:, None] >> np.arange(inputs)) & 1 > 0
    weights = _subset_weights(own)
    places = _spread_rows(mixer.rows, rows)
    contributions = np.empty((len(outputs), inputs))
    for row, output in enumerate(outputs.tolist()):
        worth = _worths(mixer, mix, row, output, places, own).mean(axis=1)
        found = worth @ weights
        contributions[row] = found + _shared(worth[0] - mixer.base[output], found**2)
    return Sampled(contributions, None, rows * len(own), rows)


def _worths(mixer: Mixer, mix: Mix, row: int, output: int, places: Int64, own: Bools) -> Float64:
    """Give the answers to every subset with each background row, ``[subsets, rows]``.

    Subsets that differ only in columns where the two rows are alike have one answer, which is asked for once.
    """
    subsets = np.arange(len(own))[:, None]
    apart = mix.differs(row)[places] @ (1 << np.arange(mixer.inputs))
    alike = subsets & apart
    worth = np.empty(alike.shape)
    worth[0] = mixer.answers[places, output]
    worth[apart, np.arange(len(places))] = mix.answers[row, output]
    subset, place = np.nonzero((alike == subsets) & (subsets > 0) & (subsets != apart))
    worth[subset, place] = _asked(mixer, mix, row, output, places[place], own[subset])
    return np.take_along_axis(worth, alike, axis=0)


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
    differs = mix.differs(row)
    found, starts = np.empty((walks, inputs)), mixer.answers[places, output]
    together = max(1, min(_MOST_ROWS, _MOST_CELLS // mixer.width) // (2 * inputs))
    for start in range(0, walks, together):
        some = slice(start, start + together)
        steps = _Steps(order[some], np.take_along_axis(differs[places[some]], order[some], axis=1))
        walk, own = steps.asked()
        answers = _asked(mixer, mix, row, output, places[some][walk], own)
        ahead, behind = steps.changes(starts[some], mix.answers[row, output], answers)
        np.put_along_axis(found[some], order[some], (ahead + behind) / 2.0, axis=1)
    return found, starts


class _Steps:
    """The steps of some walks, forth and back, that change what enters the model; others change no answer."""

    def __init__(self, order: Int64, moves: Bools) -> None:
        """``order`` ``[walks, inputs]`` are columns; ``moves`` says of each whether the two rows differ in it."""
        self._rank = np.argsort(order, axis=1)
        self._forth, self._back = _Walk(moves), _Walk(moves[:, ::-1])

    def asked(self) -> tuple[Int64, Bools]:
        """Give the walks that are asked about ``[m]``, and in which columns the row's own value stands."""
        forth, steps = np.nonzero(self._forth.is_between)
        back, others = np.nonzero(self._back.is_between)
        ahead = self._rank[forth] < steps[:, None]
        behind = self._rank[back] >= self._rank.shape[1] - others[:, None]
        return np.concatenate((forth, back)), np.concatenate((ahead, behind))

    def changes(self, first: Float64, last: float, answers: Float64) -> tuple[Float64, Float64]:
        """Give each column's change of the answer, forth and back, both in the order of the walk forth."""
        count = int(self._forth.is_between.sum())
        ahead = self._forth.changes(first, last, answers[:count])
        return ahead, self._back.changes(first, last, answers[count:])[:, ::-1]


class _Walk:
    """Walks one way: which of their states are asked about, and what every step changes."""

    def __init__(self, moves: Bools) -> None:
        moved = np.cumsum(moves, axis=1)
        total = moved[:, -1:]
        self._is_last = np.pad(moves & (moved == total), ((0, 0), (1, 0)))
        self.is_between = np.pad(moves & (moved < total), ((0, 0), (1, 0)))
        """``[walks, inputs + 1]``: states that follow a step that changes something, and are not yet the row itself."""
        steps = np.arange(moves.shape[1] + 1)
        self._alike = np.maximum.accumulate(np.where(self.is_between | self._is_last, steps, 0), axis=1)

    def changes(self, first: Float64, last: float, answers: Float64) -> Float64:
        """Give ``[walks, inputs]``, from the answers at both ends and those ``[m]`` asked for between."""
        worth = np.empty(self.is_between.shape)
        worth[:, 0] = first
        worth[self._is_last] = last
        worth[self.is_between] = answers
        return np.diff(np.take_along_axis(worth, self._alike, axis=1), axis=1)


def _asked(mixer: Mixer, mix: Mix, row: int, output: int, places: Int64, own: Bools) -> Float64:
    together = max(1, min(_MOST_ROWS, _MOST_CELLS // mixer.width))
    parts = [
        mix.ask(row, places[start : start + together], own[start : start + together])[:, output]
        for start in range(0, len(own), together)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _spread_rows(rows: int, count: int) -> Int64:
    return np.unique(np.linspace(0, rows - 1, count).round().astype(np.int64))
