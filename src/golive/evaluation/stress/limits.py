"""Limits: the smallest stress under which a rule of the policy no longer holds.

A metric under stress is the metric of all test rows plus what the stress changed on the sample; its bounds are as far
from it as the sample's influences say for as many rows as the whole test has. A model or a dummy that reads no input
answers the same under stress, so differences to the baseline are followed too; the champion is not asked again.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from golive.domain.finding import Finding, FindingKind
from golive.errors import PolicyError
from golive.evaluation.roles import BASELINE, Note, note
from golive.evaluation.stress.bench import Bench, Trial, answered
from golive.evaluation.stress.family import level_name
from golive.evaluation.stress.scores import Score, known_metrics, score
from golive.evaluation.subject import Subject
from golive.evaluation.words.stress import WORDS
from golive.judge import Rule, read_rule
from golive.ports import Float64, Int64
from golive.statistics.clusters import two_sided, units_of
from golive.statistics.intervals import Z, mean_interval

SMALL = 0.05
"""A share of cells, or of a standard deviation, that any feed has sooner or later."""
_CHANCE = 0.002
_MATTERS = 0.01
_MATTERS_OF_ERROR = 0.02
_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_BOUNDED = frozenset({"accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc", "pr_auc", "r2"})


class Level(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One strength of a family, tried."""

    family: str
    form: str
    strength: float
    trial: Trial

    @property
    def name(self) -> str:
        """The stress as gate rules name it."""
        return level_name(self.family, self.form, self.strength)


class Limit(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One rule and where it breaks."""

    rule: Rule
    clean: float
    """The rule's term as it is without stress."""
    holds: bool
    """Without stress."""
    breaks: tuple[tuple[Level, float | None], ...] = ()
    """The smallest breaking level of each family, with the term there; None where answers are no numbers."""


def metrics_of(subject: Subject) -> tuple[str, ...]:
    """Name the metrics of the policy's rules that a stress can compute again."""
    return tuple(dict.fromkeys(rule.left for rule in rules_of(subject)))


def rules_of(subject: Subject) -> list[Rule]:
    """Read those rules of the policy that a stress can follow."""
    found = []
    for rule in _rules(subject):
        dummy = rule.right == f"{BASELINE}.{rule.left}" and BASELINE in subject.answers
        if not rule.right or dummy:
            found.append(rule)
    return found


def unfollowed(subject: Subject, limits: Sequence[Limit]) -> list[str]:
    """Give the rules about a metric that no stress followed."""
    followed = {limit.rule.text for limit in limits}
    return [rule.text for rule in _rules(subject) if rule.text not in followed]


def _rules(subject: Subject) -> list[Rule]:
    known = known_metrics(subject.signature.task, subject.predicted.shape[1])
    found = []
    for text in subject.policy.rules:
        try:
            rule = read_rule(text)
        except PolicyError:
            # A mistake is the gate's to speak of.
            continue
        if rule.left in known and rule.operator in _HOLDS:
            found.append(rule)
    return found


def limits_of(bench: Bench, levels: Sequence[Level]) -> list[Limit]:
    """Follow every rule through all levels, which stand in growing order within their family."""
    return [limit for rule in rules_of(bench.subject) if (limit := _limit(bench, rule, levels)) is not None]


def findings_of(limits: Sequence[Limit], looked: int) -> list[Finding]:
    """Give a finding for each family that surely breaks a rule while it is small: the rule that it breaks first.

    ``looked`` small levels were tried of each rule.
    """
    found: dict[str, tuple[float, Finding]] = {}
    for limit in limits:
        small = [(level, term) for level, term in limit.breaks if level.strength <= SMALL and _counts(level)]
        for level, term in small:
            chance = _chance(level.trial, limit.rule.left) * looked * max(len(limits), 1)
            if chance <= _CHANCE and (term is None or _matters(level.trial, limit.rule.left)):
                first = found.get(level.family)
                if first is None or level.strength < first[0]:
                    found[level.family] = (level.strength, _finding(limit, level, term, chance))
    return [finding for _, finding in found.values()]


def small_levels(levels: Sequence[Level]) -> int:
    """Count the levels that a finding can come from."""
    return sum(level.strength <= SMALL and _counts(level) for level in levels)


def looked_of(limits: Sequence[Limit], looked: int) -> tuple[tuple[FindingKind, ...], tuple[Note, ...]]:
    """Give the kind that was looked for, ``looked`` small levels having been tried, or a note that says why not."""
    if looked and any(limit.holds for limit in limits):
        return ("robustness",), ()
    if not looked:
        code, text = "unlooked.no_small_stress", "no input can be made a little worse"
    elif limits:
        code, text = "unlooked.fails_already", "no rule that can be followed under stress holds even without stress"
    else:
        code, text = "unlooked.no_rule", "no rule of the gate can be followed under stress"
    return (), (note(code, text, kinds=["robustness"]),)


def _counts(level: Level) -> bool:
    return level.form == "share" or level.family == "noise"


def _limit(bench: Bench, rule: Rule, levels: Sequence[Level]) -> Limit | None:
    whole = np.arange(bench.subject.rows, dtype=np.int64)
    clean = score(rule.left, answered(bench.subject, bench.subject.predicted, whole))
    base = _baseline(bench.subject, rule, whole)
    term = _term(rule, clean, base, 0.0, bench.subject.rows, bench.subject.groups)
    if term is None:
        return None
    if not _HOLDS[rule.operator](term, rule.number):
        return Limit(rule=rule, clean=term, holds=False)
    breaks: dict[str, tuple[Level, float | None]] = {}
    for level in levels:
        if level.family in breaks or level.trial.rows == 0:
            continue
        if level.trial.broken:
            breaks[level.family] = (level, None)
            continue
        stressed, before = level.trial.stressed[rule.left], level.trial.clean[rule.left]
        shift = clean.value - before.value
        here = _baseline(bench.subject, rule, bench.places[level.trial.answered])
        corrected = None if base is None or here is None else msgspec.structs.replace(here, value=base.value)
        found = _term(rule, stressed, corrected, shift, bench.subject.rows, level.trial.groups)
        if found is not None and not _HOLDS[rule.operator](found, rule.number):
            breaks[level.family] = (level, found)
    return Limit(rule=rule, clean=term, holds=True, breaks=tuple(breaks.values()))


def _baseline(subject: Subject, rule: Rule, places: Int64) -> Score | None:
    return score(rule.left, answered(subject, subject.answers[BASELINE][places], places)) if rule.right else None


def _term(
    rule: Rule, stressed: Score, base: Score | None, shift: float, rows: int, groups: Int64 | None
) -> float | None:
    value = stressed.value + shift - (base.value if base else 0.0)
    if not math.isfinite(value):
        return None
    if not rule.bound:
        return value
    if stressed.influence is None or (base is not None and base.influence is None):
        return None
    influence: Float64 = stressed.influence
    if base is not None and base.influence is not None:
        influence = influence - base.influence
    around = mean_interval(influence, groups)
    if around is None:
        return None
    half = (around[1] - around[0]) / 2 * math.sqrt(len(influence) / rows)
    return value - half if rule.bound == "lower" else value + half


def _chance(trial: Trial, metric: str) -> float:
    if trial.broken:
        return 0.0
    drop, around = trial.drop(metric)
    if around is None or not math.isfinite(drop):
        return 1.0
    spread = (around[1] - around[0]) / (2 * Z)
    if drop <= 0.0 or spread <= 0.0:
        return 1.0
    if trial.groups is not None:
        return two_sided(drop / spread, units_of(trial.groups))
    return math.erfc(drop / spread / math.sqrt(2.0))


def _matters(trial: Trial, metric: str) -> bool:
    drop, _ = trial.drop(metric)
    return drop >= (_MATTERS if metric in _BOUNDED else _MATTERS_OF_ERROR * abs(trial.clean[metric].value))


def _finding(limit: Limit, level: Level, term: float | None, chance: float) -> Finding:
    values: dict[str, Any] = {
        "rule": limit.rule.text,
        "term": limit.rule.term,
        "clean": limit.clean,
        "stress": level.name,
        "strength": level.strength,
        "value": term,
    }
    code = "broken" if term is None else level.family
    return Finding(
        kind="robustness",
        severity="warn",
        code=code,
        text=WORDS[f"finding.robustness.{code}"][0].format(**values),
        values=values,
        p=min(chance, 1.0),
    )
