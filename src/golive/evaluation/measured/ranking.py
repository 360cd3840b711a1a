"""Ranking: how well answers order the rows of each declared group, such as the hits of one query."""

from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from golive.domain.evidence import Measure
from golive.evaluation.measured.comparison import Setting, mean_metric, measures_of
from golive.evaluation.measured.notes import FEW_GROUPS
from golive.evaluation.roles import MODEL, Note, note
from golive.evaluation.subject import Section, Subject
from golive.ports import Float64, Int64
from golive.statistics.ordering import average_precision_at, ndcg, pair_accuracy, reciprocal_rank

_TWO = 2


def ranking(subject: Subject) -> Section:
    """Measure ``ndcg``, ``map``, ``mrr`` (of the first ``declared.top`` rows) and ``pair_accuracy`` by group.

    Relevance is the truth: its value, or the place of the class. Scores are the answers: the value, the probability of
    the second class, or the expected place of the class. Each number is a mean over groups, which are what is
    independent: so the interval is that of a mean of groups. ``map`` and ``mrr`` take rows above 0 as relevant.
    """
    if subject.declared.kind != "ranking":
        return Section()
    groups = subject.groups
    if groups is None:
        text = "a ranking is measured within groups, and no column of these rows holds them; declare evaluation.group"
        return Section(notes=(note("ranking_no_group", text),))
    relevance = subject.test.truth.astype(np.float64)
    if float(relevance.min()) < 0.0:
        text = "a ranking's truth is how relevant a row is, 0 or more, and some are below 0; give relevances"
        return Section(notes=(note("ranking_negative", text),))
    scores = {role: _score(given) for role, given in subject.answers.items()}
    top, setting = subject.declared.top, Setting(seed=subject.seed)
    relevant = (relevance > 0).astype(np.float64)
    named: Mapping[str, Callable[[Float64], Float64]] = {
        "ndcg": lambda score: ndcg(relevance, score, groups, top),
        "map": lambda score: average_precision_at(relevant, score, groups, top),
        "mrr": lambda score: reciprocal_rank(relevant, score, groups),
        "pair_accuracy": lambda score: pair_accuracy(relevance, score, groups, subject.seed),
    }
    made = [_measured(name, {role: of(score) for role, score in scores.items()}, setting) for name, of in named.items()]
    sizes = np.bincount(groups)
    return Section(
        measures=tuple(measure for measures in made for measure in measures),
        details={"groups": len(sizes), "rows_a_group": float(np.median(sizes)), "top": top},
        notes=tuple(_notes(sizes)),
    )


def _score(given: Float64) -> Float64:
    if given.shape[1] == 1:
        return np.ascontiguousarray(given[:, 0])
    if given.shape[1] == _TWO:
        return np.ascontiguousarray(given[:, 1])
    return np.asarray(given @ np.arange(given.shape[1]), dtype=np.float64)


def _measured(name: str, by_group: Mapping[str, Float64], setting: Setting) -> list[Measure]:
    # Whether a group has a value depends on its truth alone, so it is the same for every role.
    usable = np.isfinite(by_group[MODEL])
    if not usable.any():
        return []
    metric = mean_metric(name, {role: values[usable] for role, values in by_group.items()}, setting, signed=True)
    left = int((~usable).sum())
    remark = f"{left} groups in which nothing can be ordered are left out" if left else ""
    shown = msgspec.structs.replace(
        metric, method="t interval of the mean over groups", floor=0.0, ceiling=1.0, note=remark
    )
    return measures_of(shown, int(usable.sum()))


def _notes(sizes: Int64) -> list[Note]:
    notes = []
    alone = int((sizes == 1).sum())
    if alone:
        notes.append(note("ranking_single", "{count} groups have one row, which nothing can order", count=alone))
    if len(sizes) < FEW_GROUPS:
        text = "{groups} groups are few: the intervals may be too narrow, and four times as many would halve them"
        notes.append(note("few_groups", text, groups=len(sizes)))
    return notes
