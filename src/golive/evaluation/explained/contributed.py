"""Contributed: whose contributions are large over many rows, and what made some single answers."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from golive.domain.explanation import Explained
from golive.evaluation.subject import Explaining, Subject, Table, taken
from golive.ports import Column, Float64, Int64

MOST_ROWS = 500
_FEWEST_ROWS = 10
_EFFORT = 500_000_000
"""Numbers that are looked at to explain all rows exactly."""
_SAMPLED_ROWS = 100
_EVALUATIONS = 2_000
_CELLS = 200_000_000
"""Numbers that the model is given to explain all rows by permutations."""
_RESAMPLES = 400
_SWARM = (10, 40)
_STEPS = 8
_LONGEST = 40


class Budget(msgspec.Struct, frozen=True):
    """How many rows are explained, and how many answers each may take."""

    rows: int
    evaluations: int


def budget_of(explainer: Explaining, inputs: int) -> Budget:
    """Decide how many rows are worth explaining; 0 where the model has too many columns to ask about."""
    if explainer.effort:
        return Budget(int(np.clip(_EFFORT // explainer.effort, 2 * _FEWEST_ROWS, MOST_ROWS)), _EVALUATIONS)
    evaluations = max(_EVALUATIONS, 2 * inputs)
    rows = min(_SAMPLED_ROWS, _CELLS // (evaluations * max(1, inputs)))
    return Budget(rows if rows >= _FEWEST_ROWS else 0, evaluations)


def chosen_rows(subject: Subject, count: int) -> Int64:
    """Choose rows at random, always the same ones."""
    return np.sort(np.random.default_rng(subject.seed).permutation(subject.rows)[:count])


def inputs_of(subject: Subject, places: Int64) -> dict[str, Column]:
    """Give the inputs of some test rows."""
    return taken({name: subject.test.columns[name] for name in subject.signature.names}, places)


def shares(explained: Explained, seed: int, groups: Int64 | None = None) -> tuple[Float64, Float64, Float64]:
    """Give each column's share of all contributions ``[inputs]``, and its bootstrap interval.

    Rows are drawn, or the ``groups`` ``[n]`` that they are in; with one group a share may be anything from 0 to 1.
    """
    sizes = np.abs(explained.contributions)
    codes = None if groups is None else np.unique(groups, return_inverse=True)[1]
    units = len(sizes) if codes is None else int(codes.max()) + 1
    if codes is not None and units == 1:
        share = _of_whole(sizes.sum(axis=0, keepdims=True))[0]
        return share, np.zeros_like(share), np.ones_like(share)
    drawn_units = np.random.default_rng(seed).multinomial(units, np.full(units, 1.0 / units), _RESAMPLES)
    weights = (drawn_units if codes is None else drawn_units[:, codes]).astype(np.float64)
    drawn = _of_whole(weights @ sizes)
    lower, upper = np.quantile(drawn, (0.025, 0.975), axis=0)
    return _of_whole(sizes.sum(axis=0, keepdims=True))[0], lower, upper


def _of_whole(sums: Float64) -> Float64:
    whole = sums.sum(axis=1, keepdims=True)
    found: Float64 = np.divide(sums, whole, out=np.zeros_like(sums), where=whole > 0.0)
    return found


def swarm(explained: Explained, columns: Table, names: tuple[str, ...], order: Int64) -> dict[str, Any]:
    """Give the contributions of the first columns of ``order`` to some rows, with each value's rank."""
    top, rows = order[: _SWARM[0]], slice(0, _SWARM[1])
    shades = [_ranks(columns[names[place]])[rows] for place in top]
    return {
        "names": [names[place] for place in top],
        "values": [_plain(explained.contributions[rows, place]) for place in top],
        "shades": [_plain(shade) for shade in shades],
    }


def _ranks(column: Column) -> Float64:
    if column.dtype == object:
        return np.full(len(column), np.nan)
    known = np.sort(column[~np.isnan(column)])
    ranks = np.searchsorted(known, column, side="left") + np.searchsorted(known, column, side="right")
    return np.where(np.isnan(column), np.nan, ranks / max(1, 2 * len(known)))


def told_rows(subject: Subject, explainer: Explaining, budget: Budget) -> list[dict[str, Any]]:
    """Explain the row that is answered best, the worst, and the one nearest to another answer."""
    places = _extremes(subject)
    columns = inputs_of(subject, np.array([place for _, place in places], np.int64))
    explained = explainer.explain(columns, evaluations=8 * budget.evaluations)
    return [_told(subject, explained, row, kind, place) for row, (kind, place) in enumerate(places)]


def _extremes(subject: Subject) -> list[tuple[str, int]]:
    answers, truth = subject.predicted, subject.test.truth
    if not subject.signature.classes:
        errors = np.abs(answers[:, 0] - truth)
        usual = np.abs(answers[:, 0] - np.median(answers[:, 0]))
        return [("best", int(errors.argmin())), ("worst", int(errors.argmax())), ("usual", int(usual.argmin()))]
    stated = answers[np.arange(len(answers)), truth.astype(np.int64)]
    if answers.shape[1] == len(_PAIR):
        near = np.abs(answers[:, 1] - subject.decision.threshold)
    else:
        ordered = np.sort(answers, axis=1)
        near = ordered[:, -1] - ordered[:, -2]
    return [("best", int(stated.argmax())), ("worst", int(stated.argmin())), ("borderline", int(near.argmin()))]


_PAIR = (0, 1)


def _told(subject: Subject, explained: Explained, row: int, kind: str, place: int) -> dict[str, Any]:
    signature, moved = subject.signature, explained.contributions[row]
    order = np.argsort(-np.abs(moved), kind="stable")
    first, rest = order[:_STEPS], order[_STEPS:]
    truth = subject.test.truth[place]
    return {
        "kind": kind,
        "row": int(subject.kept[place]),
        "truth": signature.classes[int(truth)] if signature.classes else float(truth),
        "output": signature.classes[int(explained.outputs[row])] if signature.classes else None,
        "predicted": float(subject.predicted[place, explained.outputs[row]]),
        "base": float(explained.base[row]),
        "answer": float(explained.answers[row]),
        "names": [signature.names[step] for step in first],
        "values": [shown(subject.test.columns[signature.names[step]][place]) for step in first],
        "contributions": _plain(moved[first]),
        "rest": float(moved[rest].sum()),
        "others": len(rest),
    }


def shown(value: Any) -> str | float | None:
    """Give a cell as a JSON value; long texts are cut."""
    if value is None or isinstance(value, str):
        return value if value is None or len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
    number = float(value)
    return None if np.isnan(number) else number


def _plain(values: Float64) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.tolist()]


def scale_details(explained: Explained) -> Mapping[str, Any]:
    """Say how contributions were found."""
    spread = explained.spread
    typical = None if spread is None or not np.isfinite(spread).any() else float(np.nanmedian(spread))
    return {
        "method": explained.method,
        "scale": explained.scale,
        "error": explained.error,
        "spread": typical,
        "rows": len(explained.answers),
    }
