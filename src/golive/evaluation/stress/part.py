"""Robustness: the part of an evaluation that makes inputs worse and looks at what becomes of the answers.

Measures, all of them better when lower; ``drop`` is how much worse a metric is under stress than without, on the same
rows (positive is worse, whichever end of the metric is the better one), ``{metric}`` is rmse and r2 for a regression,
accuracy, log_loss and, of two classes, auc for a classification:

===================================================  ===============================================================
``robustness.{stress}.{metric}_drop``                every strength of every family of ``stress.graded`` and, for
                                                     images, ``stress.pictures``: noise_0_01, noise_0_02, noise_0_05,
                                                     noise_0_1, noise_0_2, noise_0_5, noise_1 (standard deviations);
                                                     missing_1, _5, _10, _20, _50, unseen_, misspelt_ the same (percent
                                                     of cells); case_1, _10, _100, whitespace_, encoding_ the same;
                                                     out_of_range_10, _50, _100 (percent of the range);
                                                     image_noise_2, _5, _10, _20, shift_1, _2 (pixels), occlusion_5,
                                                     _10, _25, brightness_10, _25, contrast_10, _25, _50,
                                                     rotation_5, _10, _20 (degrees)
``robustness.{stress}.rmse_ratio``                   the error as a multiple of that without stress
``robustness.{stress}.refused``                      share of rows that a server refuses under that stress
``robustness.{kind}.worst_{metric}_drop``            the worst of one kind of ``stress.singles``: unit, swap, constant
``robustness.{kind}.worst_rmse_ratio``               the same, as a multiple
``robustness.flips_{strength}``                      share of rows whose decision some one column flips when it moves by
                                                     at most so many of its standard deviations (0_01, 0_02, 0_05, 0_1,
                                                     0_2, 0_5)
``robustness.change_{strength}``                     regression: the most that the answer moves when one column moves so
                                                     far, in standard deviations of the truth; 19 of 20 rows stay below
===================================================  ===============================================================

A stress that only makes a server refuse rows has no drop. Where answers under stress are no numbers, it has none
either, so that a rule about it is not answered.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from golive.evaluation.roles import Note, note
from golive.evaluation.stress.bench import Bench, Trial, bench_of, smaller, tried
from golive.evaluation.stress.facts import Facts, facts_of, numbers_that_vary, pixel_columns
from golive.evaluation.stress.family import Family
from golive.evaluation.stress.flips import QUESTIONS, Flips, flips
from golive.evaluation.stress.graded import graded_families
from golive.evaluation.stress.limits import (
    Level,
    findings_of,
    limits_of,
    looked_of,
    metrics_of,
    small_levels,
    unfollowed,
)
from golive.evaluation.stress.named import flip_measures, level_measures, shown, worst_measures
from golive.evaluation.stress.pictures import picture_families
from golive.evaluation.stress.screened import screened
from golive.evaluation.stress.singles import Single, count_of, singles
from golive.evaluation.stress.told import clean_details, family_details, flip_details, limit_details, single_details
from golive.evaluation.subject import Section, Subject

_MOST_ROWS = 4000
_LEVELS = 36
_CELLS = 50_000_000
_QUESTIONS = 60_000
_WIDE = 1000
_CLASSES = 50
_TRIED = (40, 6)
"""Columns that are stressed one at a time: of up to a thousand inputs, and of more."""
_ROWS_OF_SINGLES = (60, 1000)
_ROWS_OF_FLIPS = (40, 1000)


def robustness(subject: Subject) -> Section:
    """Stress the inputs and measure what becomes of the answers."""
    facts = facts_of(subject)
    if not facts:
        return Section(notes=looked_of((), 0)[1])
    bench = bench_of(subject, _most_rows(subject), metrics_of(subject))
    chosen = frozenset(screened(bench, [fact.name for fact in facts], _TRIED[len(facts) > _WIDE]))
    few = [fact for fact in facts if fact.name in chosen]
    families = _families(bench, facts, few)
    levels = [level for family in families for level in _levels(bench, family)]
    one, alone = _singles(bench, few)
    other, flipped = _flips(bench, few)
    limits = limits_of(bench, levels)
    small = small_levels(levels)
    checked, unlooked = looked_of(limits, small)
    return Section(
        measures=(*level_measures(bench, levels), *worst_measures(one, alone), *flip_measures(other, flipped)),
        details={
            "metrics": list(shown(bench)),
            "rows": bench.rows,
            "of": subject.rows,
            "columns": {"all": len(facts), "tried": len(few)},
            "clean": clean_details(bench),
            "families": [family_details(bench, family, levels) for family in families],
            "singles": single_details(one, alone),
            "flips": flip_details(other, flipped),
            "limits": [limit_details(limit) for limit in limits],
            "unfollowed": unfollowed(subject, limits),
        },
        findings=tuple(findings_of(limits, small)),
        checked=checked,
        notes=(*_notes(subject, len(facts), len(few)), *unlooked),
    )


def _most_rows(subject: Subject) -> int:
    width = max(len(subject.signature.inputs), subject.predicted.shape[1])
    return int(np.clip(_CELLS // (width * _LEVELS), 100, _MOST_ROWS))


def _questions(subject: Subject) -> int:
    inputs, outputs = len(subject.signature.inputs), subject.predicted.shape[1]
    return int(_QUESTIONS / max(1.0, outputs / _CLASSES, inputs / _WIDE))


def _families(bench: Bench, facts: Sequence[Facts], few: Sequence[Facts]) -> list[Family]:
    texts = [fact for fact in facts if fact.kind == "text"]
    # Every cell of a text is changed by itself, so of very many columns only those that matter are.
    respelt = texts if len(texts) <= _WIDE // 4 else [fact for fact in few if fact.kind == "text"]
    fields = {field.name: field.categories for field in bench.subject.signature.inputs}
    known = {
        fact.name: frozenset(fields[fact.name]) | {text for text in bench.table[fact.name].tolist() if text is not None}
        for fact in respelt
    }
    seed = bench.subject.seed
    families = graded_families(facts, bench.table, seed, known=known)
    picture, pixels = bench.subject.declared.picture, pixel_columns(bench.subject)
    if picture is None or not pixels:
        return families
    by_name = {fact.name: fact for fact in facts}
    return [*picture_families(picture, [by_name[name] for name in pixels], bench.table, seed), *families]


def _levels(bench: Bench, family: Family) -> Iterator[Level]:
    for strength in family.strengths:
        trial = tried(bench, family.change(strength)) if family.columns else Trial(rows=0, tried=bench.rows)
        if family.refused is not None:
            # Rows refused for a cell that is empty are not asked about; those for another reason may be the same.
            refused = max(trial.refused, family.refused(strength))
            trial = msgspec.structs.replace(trial, refused=refused, tried=bench.rows)
        yield Level(family=family.name, form=family.form, strength=strength, trial=trial)


def _singles(bench: Bench, few: Sequence[Facts]) -> tuple[Bench, list[Single]]:
    plain = [fact for fact in few if not fact.pixel]
    rows = np.clip(_questions(bench.subject) // max(count_of(plain), 1), *_ROWS_OF_SINGLES)
    fewer = smaller(bench, int(rows))
    return fewer, singles(fewer, plain)


def _flips(bench: Bench, few: Sequence[Facts]) -> tuple[Bench, Flips]:
    moved = numbers_that_vary(few, pixels=True)
    rows = np.clip(_questions(bench.subject) // (max(len(moved), 1) * QUESTIONS), *_ROWS_OF_FLIPS)
    fewer = smaller(bench, int(rows))
    return fewer, flips(fewer, moved)


def _notes(subject: Subject, inputs: int, few: int) -> tuple[Note, ...]:
    found = []
    if few < inputs:
        text = "of {count} inputs, stresses of one column were tried on the {tried} that move the answers most"
        found.append(note("stress_columns", text, count=inputs, tried=few))
    if subject.declared.picture is not None and not pixel_columns(subject):
        text = "the declared picture does not fit the model's number columns, so no image stress was tried"
        found.append(note("stress_picture", text))
    return tuple(found)
