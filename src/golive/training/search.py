"""Search: candidates in, every tried setting with its cross-validation scores out."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import joblib
import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib.externals.loky import get_reusable_executor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from golive import plugins
from golive.domain.trial import Trial
from golive.errors import DataError
from golive.ports import Column, Float64, Search
from golive.training.candidates import estimator, space_of, takes_sparse
from golive.training.features import Prepared, pipeline
from golive.training.folds import Fold
from golive.training.recipe import Candidate, CandidateName, Recipe
from golive.training.scores import Score, score_of

Progress = Callable[[int, int, str], None]
"""Told (done, total, text) after every piece of work."""


_SMALL = 100_000
"""Fitted rows over all folds and settings of a candidate; below this, starting processes costs more than it gives."""


class Material(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What every fit of one search shares."""

    recipe: Recipe
    prepared: Prepared
    frame: pd.DataFrame
    """Prepared training rows."""
    target: Column
    classes: npt.NDArray[Any] | None
    """Sorted classes; None for a regression."""
    folds: tuple[Fold, ...]


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    setting: int
    fold: int
    predictions: tuple[Float64, ...] = ()
    fit_s: float = 0.0
    error: str = ""


def search(material: Material, *, jobs: int, on_progress: Progress) -> tuple[Trial, ...]:
    """Try the settings of every candidate; a setting that cannot be fitted is a trial with an error.

    Settings x folds run in up to ``jobs`` processes. Scores depend on the recipe and the rows only, not on ``jobs``.

    Raises:
        DataError: a candidate cannot do the task or has no such parameter; or the metric is unknown.
        MissingExtraError: a candidate's or the search's library is not installed.
    """
    plan = material.recipe.search
    strategy: Search = plugins.load("searches", plan.method)
    score = score_of(plan.metric, material.recipe.task)[1]
    sizes = [_size(candidate, plan.method, plan.trials) for candidate in material.recipe.candidates]
    counter = _Counter(total=sum(sizes) * len(_pieces(material.folds, jobs)), report=on_progress)
    trials: list[Trial] = []
    for candidate in material.recipe.candidates:
        space = space_of(candidate)
        for choices in _first_choices(space, candidate):
            estimator(candidate.model, choices, material.recipe)
        attempt = _Attempt(candidate, material, score, jobs, counter)
        trials.extend(strategy.run(space, trials=plan.trials, seed=material.recipe.seed, attempt=attempt))
    return tuple(trials)


def best_of(trials: Sequence[Trial]) -> int:
    """Give the position of the best trial; the first one at a tie.

    Raises:
        DataError: every setting failed.
    """
    scored = [position for position, trial in enumerate(trials) if trial.scores and np.isfinite(trial.mean)]
    if not scored:
        reason = next((trial.error for trial in trials if trial.error), "no score was finite")
        message = f"none of {len(trials)} settings could be fitted; the first one failed with: {reason}"
        raise DataError(message)
    return max(scored, key=lambda position: trials[position].mean)


class _Counter:
    def __init__(self, *, total: int, report: Progress) -> None:
        self._done = 0
        self._total = total
        self._report = report

    def add(self, text: str) -> None:
        self._done += 1
        self._report(self._done, max(self._total, self._done), text)


class _Attempt:
    """Evaluates settings of one candidate; what a search strategy calls."""

    def __init__(self, candidate: Candidate, material: Material, score: Score, jobs: int, counter: _Counter) -> None:
        self._candidate = candidate
        self._field = material
        self._score = score
        self._jobs = jobs
        self._counter = counter

    def __call__(self, settings: Sequence[dict[str, Any]]) -> list[Trial]:
        pieces = _pieces(self._field.folds, self._jobs)
        tasks = [
            (number, first, last, {**self._candidate.parameters, **setting})
            for number, setting in enumerate(settings)
            for first, last in pieces
        ]
        found: dict[int, list[_Outcome]] = {number: [] for number in range(len(settings))}
        for outcome in _outcomes(self._candidate.model, self._field, tasks, self._jobs):
            found[outcome.setting].append(outcome)
            self._counter.add(self._candidate.model)
        return [self._trial(tasks[number * len(pieces)][3], found[number]) for number in range(len(settings))]

    def _trial(self, parameters: dict[str, Any], outcomes: list[_Outcome]) -> Trial:
        outcomes = sorted(outcomes, key=lambda outcome: outcome.fold)
        fit_s = sum(outcome.fit_s for outcome in outcomes)
        error = next((outcome.error for outcome in outcomes if outcome.error), "")
        scores = () if error else _scores(self._field, outcomes, self._score)
        if scores and not np.isfinite(scores).all():
            scores, error = (), "the score is not a finite number"
        return Trial(candidate=self._candidate.model, parameters=parameters, scores=scores, fit_s=fit_s, error=error)


def _scores(material: Material, outcomes: list[_Outcome], score: Score) -> tuple[float, ...]:
    predictions = [rows for outcome in outcomes for rows in outcome.predictions]
    true = material.target if material.classes is None else np.searchsorted(material.classes, material.target)
    try:
        if material.recipe.validation.method == "leave_one_out":
            # A fold of one row has no r2 or auc, and its rmse is an absolute error: all rows are scored together.
            return (score(true[np.concatenate([rows for _, rows in material.folds])], np.vstack(predictions)),)
        return tuple(score(true[rows], made) for (_, rows), made in zip(material.folds, predictions, strict=True))
    except ValueError:
        return (float("nan"),)


def _outcomes(
    model: CandidateName, material: Material, tasks: list[tuple[int, int, int, dict[str, Any]]], jobs: int
) -> Iterator[_Outcome]:
    small = len(material.frame) * len(material.folds) * len(tasks) < _SMALL
    workers = 1 if small else max(1, min(jobs, len(tasks)))
    parallel = joblib.Parallel(n_jobs=workers, return_as="generator_unordered", max_nbytes="1M")
    calls = (joblib.delayed(_cross_validate)(model, material, *task) for task in tasks)
    try:
        with joblib.parallel_config(backend="loky", inner_max_num_threads=1) if workers > 1 else _inline():
            yield from parallel(calls)
    except KeyboardInterrupt:
        get_reusable_executor().shutdown(wait=False, kill_workers=True)
        raise


def _inline() -> Any:
    return joblib.parallel_config(backend="sequential")


def _cross_validate(
    model: CandidateName, material: Material, setting: int, first: int, last: int, parameters: dict[str, Any]
) -> _Outcome:
    """Fit one setting on some folds. Any failure is the setting's, not the search's: this is the border."""
    started = time.perf_counter()
    try:
        # One thread of linear algebra in every process, so that scores are the same bits for any number of them.
        with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
            warnings.simplefilter("ignore")
            made = tuple(_fold_predictions(model, material, fold, parameters) for fold in material.folds[first:last])
    except Exception as error:  # noqa: BLE001 an estimator may raise anything on a setting it does not like
        reason = f"{type(error).__name__}: {error}".strip().splitlines()[0]
        return _Outcome(setting=setting, fold=first, error=reason, fit_s=time.perf_counter() - started)
    return _Outcome(setting=setting, fold=first, predictions=made, fit_s=time.perf_counter() - started)


def _fold_predictions(model: CandidateName, material: Material, fold: Fold, parameters: dict[str, Any]) -> Float64:
    fit, held = fold
    fitted = pipeline(
        material.prepared,
        material.recipe,
        estimator(model, parameters, material.recipe),
        takes_sparse=takes_sparse(model),
    )
    fitted.fit(material.frame.iloc[fit], material.target[fit])
    return predictions_of(fitted, material.frame.iloc[held], material.classes)


def predictions_of(fitted: Any, frame: pd.DataFrame, classes: npt.NDArray[Any] | None) -> Float64:
    """Ask a fitted pipeline: float64 ``[n, 1]`` values, or ``[n, classes]`` probabilities (0 for an unknown class)."""
    if classes is None:
        return np.asarray(fitted.predict(frame), dtype=np.float64).reshape(-1, 1)
    known = np.searchsorted(classes, fitted.classes_)
    result = np.zeros((len(frame), len(classes)))
    result[:, known] = fitted.predict_proba(frame)
    return result


def _pieces(folds: tuple[Fold, ...], jobs: int) -> list[tuple[int, int]]:
    """Group folds for one task each: single ones, except where there are very many (leave one out)."""
    size = max(1, len(folds) // max(50, 4 * jobs))
    return [(first, min(first + size, len(folds))) for first in range(0, len(folds), size)]


def _size(candidate: Candidate, method: str, trials: int) -> int:
    size = prod(len(choices) for choices in space_of(candidate).values())
    return size if method == "grid" else min(size, trials)


def _first_choices(space: dict[str, tuple[Any, ...]], candidate: Candidate) -> Iterator[dict[str, Any]]:
    """Give one setting, to refuse early what no fold could fit (an unknown parameter, an absent library)."""
    if any(not choices for choices in space.values()):
        empty = next(name for name, choices in space.items() if not choices)
        message = f"candidate {candidate.model!r} has no choices for {empty!r}; list some, or remove it from grid"
        raise DataError(message)
    yield {**candidate.parameters, **{name: choices[0] for name, choices in space.items()}}
