"""Duplicates: test rows whose inputs are among the training rows, or among the other test rows, beyond chance.

In a table of few values two rows may well agree by chance. How often they do is counted among the training rows
themselves: a training row finds a twin there as often as a test row would, if the two parts were drawn apart. Where
rows are so rich that no two would agree by chance, every twin counts, even if the training rows have twins as well.
"""

import math

import numpy as np
import numpy.typing as npt

from golive.domain.finding import Finding
from golive.evaluation.checks.found import Outcome, finding
from golive.evaluation.checks.looked import codes_of, sample
from golive.evaluation.subject import Subject
from golive.ports import Float64, Int64

_FEWEST_TWINS = 3
_LEAST_SHARE = 0.005
_LEAST_INSIDE = 0.01
_MUCH = 0.05
_SIGMAS = 5.0
_CLUSTERED = 4.0
"""Twins come in groups, which makes counts of them spread about so much more than single rows would."""
_MOST_ROWS = 400_000
_MOST_CELLS = 40_000_000
_TRIED = 60
_SPLITS = 5
_CHANCE = 0.05
"""Of the twins, what chance may explain in rows that are called rich."""

Hash = npt.NDArray[np.uint64]


def duplicates(subject: Subject) -> Outcome:
    """Look for twins of the test rows."""
    names = [name for name in subject.signature.names if name in subject.test.columns]
    training = subject.training
    rng = np.random.default_rng([subject.seed, 2])
    most = int(min(_MOST_ROWS, max(_MOST_CELLS // max(len(names), 1), 1)))
    kept = sample(subject.rows, most, rng)
    there = None if training is None else sample(len(training.truth), most, rng)
    if not names:
        return Outcome()
    before = 0 if there is None else len(there)
    whole = np.empty((len(names), before + len(kept)), dtype=np.uint64)
    for place, name in enumerate(names):
        parts = [] if training is None or there is None else [training.columns[name][there]]
        coded, _ = codes_of(*parts, subject.test.columns[name][kept])
        whole[place] = _mixed(np.concatenate(coded), rng)
    found = [_inside(whole[:, before:], subject, kept)]
    if before:
        found.append(_across(whole, before, subject, kept))
    return Outcome(findings=tuple(one for one in found if one is not None), checked=("duplicates",) if before else ())


def _across(whole: Hash, before: int, subject: Subject, kept: Int64) -> Finding | None:
    total = whole.sum(axis=0, dtype=np.uint64)
    training, test = total[:before], total[before:]
    twin = np.isin(test, training)
    count = int(twin.sum())
    if count < max(_FEWEST_TWINS, _LEAST_SHARE * len(test)):
        return None
    expected = 0.0
    if not _rich(whole, slice(before), slice(before, None), twin):
        _, place, counts = np.unique(training, return_inverse=True, return_counts=True)
        expected = float((counts[place] > 1).mean())
    spread = math.sqrt(_CLUSTERED * expected * (1.0 - expected) * (1.0 / len(test) + 1.0 / before))
    share = count / len(test)
    if share < expected + _LEAST_SHARE + _SIGMAS * spread:
        return None
    return finding(
        "duplicates",
        "split",
        "stop" if share - expected >= _MUCH else "warn",
        rows=_positions(subject, kept, twin),
        count=count,
        total=len(test),
        share=share,
        expected=expected,
    )


def _inside(test: Hash, subject: Subject, kept: Int64) -> Finding | None:
    total = test.sum(axis=0, dtype=np.uint64)
    first = np.unique(total, return_index=True)[1]
    twin = np.ones(len(total), dtype=np.bool_)
    twin[first] = False
    count = int(twin.sum())
    if count < max(_FEWEST_TWINS, _LEAST_INSIDE * len(total)):
        return None
    if not _rich(test, slice(None), slice(None), twin):
        return None
    return finding(
        "duplicates",
        "inside",
        "warn",
        rows=_positions(subject, kept, twin),
        count=count,
        total=len(total),
        share=count / len(total),
    )


def _rich(whole: Hash, here: slice, there: slice, twin: npt.NDArray[np.bool_]) -> bool:
    """Say whether rows are so rich in values that none would agree with another by chance.

    Two signs are needed. How often rows that are no twins agree in one random half of the columns, times how often
    they do in the other half, explains hardly any of the twins; and rows that agree in all columns but one are fewer
    than twins (by chance they would be many more).
    """
    whole = _different(whole)
    return len(whole) > 1 and not _explained(whole, here, there) and _lonely(whole, here, there, twin)


def _different(whole: Hash) -> Hash:
    """Leave out columns that say the same as another one, in whatever words."""
    kept: dict[bytes, int] = {}
    for place, column in enumerate(whole):
        _, first, index = np.unique(column, return_index=True, return_inverse=True)
        kept.setdefault(np.argsort(np.argsort(first))[index].astype(np.int32).tobytes(), place)
    return whole if len(kept) == len(whole) else whole[list(kept.values())]


def _explained(whole: Hash, here: slice, there: slice) -> bool:
    rng = np.random.default_rng(len(whole))
    same = here == there
    twins = _pairs(whole.sum(axis=0, dtype=np.uint64), here, there, same=same)
    among = float(whole[0, here].size) * float(whole[0, there].size) / (2.0 if same else 1.0)
    expected = 0.0
    for _ in range(_SPLITS):
        halves = np.array_split(rng.permutation(len(whole)), 2)
        agree = [_pairs(_total(whole, half), here, there, same=same) - twins for half in halves]
        expected = max(expected, agree[0] * agree[1] / among)
    return expected > _CHANCE * twins


def _total(whole: Hash, places: Int64) -> Hash:
    total = np.zeros(whole.shape[1], dtype=np.uint64)
    for place in places:
        total += whole[place]
    return total


def _pairs(hashed: Hash, here: slice, there: slice, *, same: bool) -> float:
    """Count the pairs of rows with one hash: of one table, or of a row here and a row there."""
    if same:
        counts = np.unique(hashed[there], return_counts=True)[1].astype(np.float64)
        return float((counts * (counts - 1.0)).sum() / 2.0)
    index = np.unique(hashed, return_inverse=True)[1]
    most = int(index.max()) + 1
    one, other = (np.bincount(index[part], minlength=most).astype(np.float64) for part in (here, there))
    return float(one @ other)


def _lonely(whole: Hash, here: slice, there: slice, twin: npt.NDArray[np.bool_]) -> bool:
    total = whole.sum(axis=0, dtype=np.uint64)
    almost = np.zeros(len(twin), dtype=np.bool_)
    for place in np.linspace(0, len(whole) - 1, min(_TRIED, len(whole))).astype(np.int64):
        rest = total - whole[place]
        if here == there:
            _, index, counts = np.unique(rest[there], return_inverse=True, return_counts=True)
            almost |= counts[index] > 1
        else:
            almost |= np.isin(rest[there], rest[here])
    # Inside one table the twin that was kept agrees as well, and is not counted among the twins.
    full = np.isin(total[there], total[there][twin])
    return int((almost & ~full).sum()) < int(full.sum()) / 2


def _mixed(values: Float64, rng: np.random.Generator) -> Hash:
    """Give each value a number of 64 bits that nothing else of the table shares (the finalizer of splitmix64)."""
    plain = np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN, and no negative zero
    mixed = plain.view(np.uint64) + rng.integers(1, 2**63, dtype=np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def _positions(subject: Subject, kept: Int64, chosen: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(row) for row in subject.kept[kept[np.flatnonzero(chosen)[:20]]])
