"""Coverage: how often 95 % intervals hold the truth, by metric and number of rows, in worlds whose truth is known.

Every repetition draws new rows from the same world and measures a model, a champion and a baseline on them, as an
evaluation does (with fewer resamples; their percentiles allow for that). The truth of each number is that of two
million rows. A share that is simulated is itself known only to a margin, which is in the result beside what is meant.
Numbers that are the same whatever the rows, such as the recall of a baseline that never decides for a class, have
nothing to be uncertain of; they are listed as ``fixed``.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from typing import NamedTuple

import numpy as np

from golive.domain.bundle import Decision
from golive.domain.evidence import Measure
from golive.domain.judging import Costs, Declared
from golive.domain.signature import Field, Signature
from golive.evaluation.measured.anomaly import anomaly
from golive.evaluation.measured.calibration import calibration
from golive.evaluation.measured.class_details import class_rows
from golive.evaluation.measured.classification import classification_metrics, classified
from golive.evaluation.measured.comparison import Metric, Setting, measures_of
from golive.evaluation.measured.per_class import class_measures
from golive.evaluation.measured.regression import regression_metrics
from golive.evaluation.roles import BASELINE, CHAMPION, MODEL
from golive.evaluation.subject import Rows, Subject
from golive.ports import Float64, Int64

REPETITIONS = {500: 1_000, 2_000: 1_000, 20_000: 500}
"""By number of rows."""
HELD = (0.93, 0.97)
_TRUTH_PARTS = 5
_TRUTH_ROWS = 400_000
"""Of each part; together a hundred times the most rows, so that the truth is known far better than any number."""
_RESAMPLES = 200
_AT_ONCE = 50
_PROCESSES = 2
_ROUNDED = 1e-12

Answers = Mapping[str, Float64]
Drawn = tuple[Float64 | Int64, Answers]
Task = tuple[str, int, int, Mapping[str, float]]


class World(NamedTuple):
    """A generator of rows with answers by role, and how they are measured."""

    draw: Callable[[np.random.Generator, int], Drawn]
    measure: Callable[[Float64 | Int64, Answers, Setting], list[Measure]]
    a_group: int = 1
    """Rows of each group."""


class Tally(NamedTuple):
    """One number over some repetitions: its intervals, how many hold the truth, and from where to where it went."""

    intervals: int
    held: int
    least: float
    most: float

    def __add__(self, other: "Tally") -> "Tally":  # type: ignore[override]
        """Take the repetitions of both."""
        return Tally(
            self.intervals + other.intervals,
            self.held + other.held,
            min(self.least, other.least),
            max(self.most, other.most),
        )

    @property
    def is_fixed(self) -> bool:
        """Whether the number is the same whatever the rows."""
        return self.most - self.least <= _ROUNDED


NOTHING = Tally(0, 0, np.inf, -np.inf)


def measure() -> dict[str, object]:
    """Simulate every world at every number of rows."""
    found: dict[tuple[str, int], dict[str, Tally]] = {
        (world, rows): {} for rows, world in product(REPETITIONS, worlds())
    }
    with ProcessPoolExecutor(_PROCESSES) as pool:
        truths = dict(zip(worlds(), pool.map(truth_of, worlds()), strict=True))
        tasks: list[Task] = [
            (world, rows, start, truths[world])
            for world, rows in found
            for start in range(0, REPETITIONS[rows], _AT_ONCE)
        ]
        for (world, rows, start, _), tallies in zip(tasks, pool.map(repeated, tasks), strict=True):
            for name, tally in tallies.items():
                found[world, rows][name] = found[world, rows].get(name, NOTHING) + tally
            if start + _AT_ONCE >= REPETITIONS[rows]:
                print(f"  {world}, {rows:,} rows: {_extremes(found[world, rows])}", flush=True)
    return _told(found)


def repeated(task: Task) -> dict[str, Tally]:
    """Draw and measure some repetitions."""
    name, rows, start, truths = task
    world, found = worlds()[name], dict[str, Tally]()
    for repetition in range(start, min(start + _AT_ONCE, REPETITIONS[rows])):
        truth, answers = world.draw(np.random.default_rng([11, rows, repetition]), rows)
        for each in world.measure(truth, answers, _setting(world, rows, repetition, _RESAMPLES)):
            if each.lower is None or each.upper is None or each.name not in truths:
                continue
            held = int(each.lower <= truths[each.name] <= each.upper)
            found[each.name] = found.get(each.name, NOTHING) + Tally(1, held, each.value, each.value)
    return found


def truth_of(name: str) -> dict[str, float]:
    """Measure very many rows of a world, in parts."""
    world, found = worlds()[name], dict[str, list[float]]()
    for part in range(_TRUTH_PARTS):
        truth, answers = world.draw(np.random.default_rng([7, part]), _TRUTH_ROWS)
        for each in world.measure(truth, answers, _setting(world, _TRUTH_ROWS, part, 2)):
            found.setdefault(each.name, []).append(each.value)
    return {each: float(np.mean(values)) for each, values in found.items()}


def worlds() -> dict[str, World]:
    """Give the worlds: two classes (even, rare), four classes, customers with several rows, two kinds of errors."""
    return {
        "two classes, 30 %": World(_binary(0.3), _probable),
        "two classes, 5 %": World(_binary(0.05), _rare),
        "four classes": World(_four, _probable),
        "two classes, five rows a customer": World(_customers, _probable, 5),
        "normal errors": World(_errors(None), _regressed),
        "heavy tails (t, 6 degrees)": World(_errors(6), _regressed),
        "errors of five rows a customer": World(_customer_errors, _regressed, 5),
    }


def _extremes(tallies: Mapping[str, Tally]) -> str:
    shares = sorted((each.held / each.intervals, name) for name, each in tallies.items() if not each.is_fixed)
    return ", ".join(f"{share:.3f} {name}" for share, name in (*shares[:4], *shares[-2:]))


def _told(found: Mapping[tuple[str, int], Mapping[str, Tally]]) -> dict[str, object]:
    held: dict[str, dict[str, dict[str, float]]] = {}
    fixed: dict[str, set[str]] = {}
    outside, edges = [], []
    margins = {rows: round(1.96 * (0.95 * 0.05 / count) ** 0.5, 4) for rows, count in REPETITIONS.items()}
    for (world, rows), tallies in found.items():
        shares = {name: round(each.held / each.intervals, 4) for name, each in tallies.items() if not each.is_fixed}
        held.setdefault(world, {})[str(rows)] = shares
        fixed.setdefault(world, set()).update(name for name, each in tallies.items() if each.is_fixed)
        for name, share in shares.items():
            away = max(HELD[0] - share, share - HELD[1])
            if away > 0:
                (outside if away > margins[rows] else edges).append(f"{world} {rows} {name}: {share}")
    everything = [share for sizes in held.values() for shares in sizes.values() for share in shares.values()]
    return {
        "repetitions": {str(rows): count for rows, count in REPETITIONS.items()},
        "nominal": 0.95,
        "meant": HELD,
        "margin": {str(rows): margin for rows, margin in margins.items()},
        "intervals": len(everything),
        "mean": round(float(np.mean(everything)), 4),
        "within_meant": len(everything) - len(outside) - len(edges),
        "within_margin_of_meant": edges,
        "outside": outside,
        "fixed": {world: sorted(names) for world, names in fixed.items() if names},
        "held": held,
    }


def _setting(world: World, rows: int, seed: int, resamples: int) -> Setting:
    groups = None if world.a_group == 1 else np.arange(rows) // world.a_group
    return Setting(seed=seed, resamples=resamples, groups=groups, quantile=0.5, costs=Costs(false_negative=5.0))


def _named(metrics: list[Metric], rows: int) -> list[Measure]:
    return [made for metric in metrics for made in measures_of(metric, rows)]


def _classified(truth: Float64 | Int64, answers: Answers, setting: Setting) -> list[Measure]:
    labels, thresholds = truth.astype(np.int64), dict.fromkeys(answers, 0.3)
    held = classified(labels, answers, thresholds, setting, frozenset(answers))
    names = tuple(str(label) for label in range(held.classes))
    by_class = class_rows(labels, held.decided[MODEL], names, held.ranked[MODEL], setting)
    return _named(classification_metrics(held), len(truth)) + class_measures(by_class, len(truth))


def _probable(truth: Float64 | Int64, answers: Answers, setting: Setting) -> list[Measure]:
    return [*_classified(truth, answers, setting), *calibration(_subject(truth, answers, setting)).measures]


def _rare(truth: Float64 | Int64, answers: Answers, setting: Setting) -> list[Measure]:
    return [*_probable(truth, answers, setting), *anomaly(_subject(truth, answers, setting)).measures]


def _regressed(truth: Float64 | Int64, answers: Answers, setting: Setting) -> list[Measure]:
    return _named(regression_metrics(truth.astype(np.float64), answers, setting), len(truth))


def _subject(truth: Float64 | Int64, answers: Answers, setting: Setting) -> Subject:
    classes = tuple(str(label) for label in range(answers[MODEL].shape[1]))
    extra = {} if setting.groups is None else {"group": setting.groups.astype(np.float64)}
    return Subject(
        signature=Signature(
            inputs=(Field(name="x", dtype="float64"),), task="classification", target="y", classes=classes
        ),
        decision=Decision(threshold=0.3),
        test=Rows(columns={}, extra=extra, truth=truth),
        kept=np.arange(len(truth)),
        answers=answers,
        predict=lambda _: answers[MODEL],
        declared=Declared(kind="anomaly", group="group" if extra else ""),
        seed=setting.seed,
    )


def _binary(share: float) -> Callable[[np.random.Generator, int], Drawn]:
    def draw(rng: np.random.Generator, rows: int) -> Drawn:
        truth = (rng.random(rows) < share).astype(np.int64)
        return truth, _two(truth, rng.normal(size=rows), rng, share)

    return draw


def _customers(rng: np.random.Generator, rows: int) -> Drawn:
    whose = np.arange(rows) // 5
    leaning = rng.normal(size=rows // 5)[whose]
    truth = (0.8 * leaning + rng.normal(size=rows) > 0.7).astype(np.int64)
    return truth, _two(truth, 0.6 * leaning + 0.8 * rng.normal(size=rows), rng, 0.3)


def _two(truth: Int64, noise: Float64, rng: np.random.Generator, share: float) -> dict[str, Float64]:
    """Probabilities of a model and a champion that err alike, both a little too sure of themselves, and a constant."""
    start = np.log(share / (1 - share))
    score = 1.5 * truth + noise
    other = 1.3 * truth + 0.8 * noise + 0.6 * rng.normal(size=len(truth))
    shares = {role: 1 / (1 + np.exp(-(start + 1.8 * (s - 0.75)))) for role, s in ((MODEL, score), (CHAMPION, other))}
    # As of a training part that was not quite like these rows.
    shares[BASELINE] = np.full(len(truth), 0.8 * share)
    return {role: np.stack([1 - p, p], axis=1) for role, p in shares.items()}


def _four(rng: np.random.Generator, rows: int) -> Drawn:
    truth = rng.choice(4, size=rows, p=[0.4, 0.3, 0.2, 0.1]).astype(np.int64)
    noise = rng.normal(size=(rows, 4))
    answers = {BASELINE: np.tile([0.38, 0.31, 0.2, 0.11], (rows, 1))}
    for role, strength, own in ((MODEL, 1.6, 0.0), (CHAMPION, 1.4, 0.5)):
        logits = noise + own * rng.normal(size=(rows, 4))
        logits[np.arange(rows), truth] += strength
        answers[role] = np.exp(1.3 * logits)
        answers[role] /= answers[role].sum(axis=1, keepdims=True)
    return truth, answers


def _errors(freedom: int | None) -> Callable[[np.random.Generator, int], Drawn]:
    def draw(rng: np.random.Generator, rows: int) -> Drawn:
        signal = rng.normal(20.0, 3.0, rows)
        one, two = (rng.normal(size=rows) if freedom is None else rng.standard_t(freedom, rows) for _ in range(2))
        truth = signal + one
        return truth, {MODEL: signal, CHAMPION: signal + 0.5 * two, BASELINE: np.full(rows, 20.5)}

    return draw


def _customer_errors(rng: np.random.Generator, rows: int) -> Drawn:
    signal = rng.normal(20.0, 3.0, rows)
    shared = rng.normal(size=rows // 5)[np.arange(rows) // 5]
    truth = signal + shared + rng.normal(size=rows)
    answers = {MODEL: signal, CHAMPION: signal + 0.5 * rng.normal(size=rows), BASELINE: np.full(rows, 20.5)}
    return truth, answers
