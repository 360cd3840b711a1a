"""Coverage: how often 95 % intervals hold the truth, by metric and number of rows, in worlds whose truth is known.

Every repetition draws new rows from the same world and measures a model and a champion on them, as an evaluation does
(with fewer resamples). The truth of each number is that of a million rows. With 1,000 repetitions the share of
intervals that hold it is known to 1.4 points either way.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from golive.domain.evidence import Measure
from golive.domain.judging import Costs
from golive.evaluation.measured.classification import classification_metrics, classified
from golive.evaluation.measured.comparison import Metric, Setting, measures_of
from golive.evaluation.measured.regression import regression_metrics
from golive.evaluation.roles import BASELINE, CHAMPION, MODEL
from golive.ports import Float64, Int64

REPETITIONS = {500: 1_000, 2_000: 1_000, 20_000: 200}
"""By number of rows; of 200 repetitions the share is known to 3 points either way."""
TRUTH_ROWS = 1_000_000
HELD = (0.93, 0.97)
_PARTS = 10
_RESAMPLES = 200

Rows = tuple[Float64 | Int64, Mapping[str, Float64]]


class World(NamedTuple):
    """A generator of rows with answers by role, and how they are measured."""

    draw: Callable[[np.random.Generator, int], Rows]
    measure: Callable[[Float64 | Int64, Mapping[str, Float64], int], list[Metric]]


def measure() -> dict[str, object]:
    """Simulate every world at every number of rows."""
    held: dict[str, dict[str, dict[str, float]]] = {}
    for name, world in worlds().items():
        for rows, repetitions in REPETITIONS.items():
            held.setdefault(name, {})[str(rows)] = coverage(world, rows, repetitions)
            print(f"  {name}, {rows:,} rows", flush=True)
    outside = [
        f"{world} {rows} {name}: {share}"
        for world, sizes in held.items()
        for rows, shares in sizes.items()
        for name, share in shares.items()
        if not HELD[0] <= share <= HELD[1]
    ]
    return {
        "repetitions": {str(rows): count for rows, count in REPETITIONS.items()},
        "nominal": 0.95,
        "meant": HELD,
        "held": held,
        "outside": outside,
    }


def coverage(world: World, rows: int, repetitions: int) -> dict[str, float]:
    """Give the share of intervals that hold the truth, by the name of the measure."""
    truths = truth_of(world)
    held: Counter[str] = Counter()
    for repetition in range(repetitions):
        truth, answers = world.draw(np.random.default_rng([rows, repetition]), rows)
        for measure_ in _measures(world, truth, answers, repetition):
            name = measure_.name
            if measure_.lower is not None and measure_.upper is not None and name in truths:
                held[name] += measure_.lower <= truths[name] <= measure_.upper
    return {name: round(held[name] / repetitions, 4) for name in truths if held[name]}


def truth_of(world: World) -> dict[str, float]:
    """Measure as many rows as make the number known to a hundredth of an interval, in parts."""
    found: dict[str, list[float]] = {}
    for part in range(_PARTS):
        truth, answers = world.draw(np.random.default_rng([7, part]), TRUTH_ROWS // _PARTS)
        for measured in world.measure(truth, answers, part):
            for role, value in measured.values.items():
                name = f"{role}.{measured.name}" if role else measured.name
                found.setdefault(name, []).append(value)
                if role:
                    found.setdefault(f"{measured.name} - {name}", []).append(measured.values[MODEL] - value)
    return {name: float(np.mean(values)) for name, values in found.items()}


def worlds() -> dict[str, World]:
    """Give the worlds: two classes (even, rare), four classes, customers with several rows, two kinds of errors."""
    return {
        "two classes, 30 %": World(_binary(0.3), _classified),
        "two classes, 5 %": World(_binary(0.05), _classified),
        "four classes": World(_four, _classified),
        "two classes, five rows a customer": World(_customers, _of_customers),
        "normal errors": World(_errors(None), _regressed),
        "heavy tails (t, 6 degrees)": World(_errors(6), _regressed),
        "errors of five rows a customer": World(_customer_errors, _regressed_of_customers),
    }


def _measures(world: World, truth: Float64 | Int64, answers: Mapping[str, Float64], seed: int) -> list[Measure]:
    return [made for metric in world.measure(truth, answers, seed) for made in measures_of(metric, len(truth))]


def _classified(truth: Float64 | Int64, answers: Mapping[str, Float64], seed: int) -> list[Metric]:
    return _by_probabilities(truth, answers, Setting(seed=seed, resamples=_RESAMPLES, costs=Costs(false_negative=5.0)))


def _of_customers(truth: Float64 | Int64, answers: Mapping[str, Float64], seed: int) -> list[Metric]:
    return _by_probabilities(
        truth, answers, Setting(seed=seed, resamples=_RESAMPLES, groups=np.arange(len(truth)) // 5)
    )


def _by_probabilities(truth: Float64 | Int64, answers: Mapping[str, Float64], setting: Setting) -> list[Metric]:
    thresholds = dict.fromkeys(answers, 0.3)
    held = classified(truth.astype(np.int64), answers, thresholds, setting, frozenset(answers))
    return classification_metrics(held)


def _regressed(truth: Float64 | Int64, answers: Mapping[str, Float64], seed: int) -> list[Metric]:
    return regression_metrics(truth.astype(np.float64), answers, Setting(seed=seed, resamples=_RESAMPLES, quantile=0.5))


def _regressed_of_customers(truth: Float64 | Int64, answers: Mapping[str, Float64], seed: int) -> list[Metric]:
    setting = Setting(seed=seed, resamples=_RESAMPLES, quantile=0.5, groups=np.arange(len(truth)) // 5)
    return regression_metrics(truth.astype(np.float64), answers, setting)


def _binary(share: float) -> Callable[[np.random.Generator, int], Rows]:
    def draw(rng: np.random.Generator, rows: int) -> Rows:
        truth = (rng.random(rows) < share).astype(np.int64)
        return truth, _two(truth, rng.normal(size=rows), rng, share)

    return draw


def _customers(rng: np.random.Generator, rows: int) -> Rows:
    whose = np.arange(rows) // 5
    leaning = rng.normal(size=rows // 5)[whose]
    truth = (0.8 * leaning + rng.normal(size=rows) > 0.7).astype(np.int64)
    return truth, _two(truth, 0.6 * leaning + 0.8 * rng.normal(size=rows), rng, 0.3)


def _two(truth: Int64, noise: Float64, rng: np.random.Generator, share: float) -> dict[str, Float64]:
    """Probabilities of a model and a champion that err alike, both a little too sure of themselves."""
    start = np.log(share / (1 - share))
    score = 1.5 * truth + noise
    other = 1.3 * truth + 0.8 * noise + 0.6 * rng.normal(size=len(truth))
    shares = {role: 1 / (1 + np.exp(-(start + 1.8 * (s - 0.75)))) for role, s in ((MODEL, score), (CHAMPION, other))}
    return {role: np.stack([1 - p, p], axis=1) for role, p in shares.items()}


def _four(rng: np.random.Generator, rows: int) -> Rows:
    truth = rng.choice(4, size=rows, p=[0.4, 0.3, 0.2, 0.1]).astype(np.int64)
    noise = rng.normal(size=(rows, 4))
    answers = {}
    for role, strength, own in ((MODEL, 1.6, 0.0), (CHAMPION, 1.4, 0.5)):
        logits = noise + own * rng.normal(size=(rows, 4))
        logits[np.arange(rows), truth] += strength
        answers[role] = np.exp(1.3 * logits)
        answers[role] /= answers[role].sum(axis=1, keepdims=True)
    return truth, answers


def _errors(freedom: int | None) -> Callable[[np.random.Generator, int], Rows]:
    def draw(rng: np.random.Generator, rows: int) -> Rows:
        signal = rng.normal(20.0, 3.0, rows)
        one, two = (rng.normal(size=rows) if freedom is None else rng.standard_t(freedom, rows) for _ in range(2))
        truth = signal + one
        return truth, {MODEL: signal, CHAMPION: signal + 0.5 * two, BASELINE: np.full(rows, 20.0)}

    return draw


def _customer_errors(rng: np.random.Generator, rows: int) -> Rows:
    signal = rng.normal(20.0, 3.0, rows)
    shared = rng.normal(size=rows // 5)[np.arange(rows) // 5]
    truth = signal + shared + rng.normal(size=rows)
    return truth, {MODEL: signal, CHAMPION: signal + 0.5 * rng.normal(size=rows)}
