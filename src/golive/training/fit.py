"""Fit: a recipe and a table in, the fitted model out: clean, set test rows apart, search, fit the winner."""

import warnings
from typing import Any

import joblib
import msgspec
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from golive.domain.digest import Digest
from golive.domain.preparation import DeclaredStep
from golive.domain.trial import Trial
from golive.errors import DataError
from golive.inference.steps import prepared_columns
from golive.training.candidates import estimator, takes_sparse, with_jobs
from golive.training.clean import Cleaned, clean
from golive.training.declare import Bounds, declared_steps, needed_steps
from golive.training.features import Prepared, pipeline, useful_columns
from golive.training.fitted import Fitted
from golive.training.folds import folds_of
from golive.training.frame import of_columns
from golive.training.inputs import fields_of
from golive.training.outliers import list_outliers, outlier_bounds, without_outliers
from golive.training.recipe import CandidateName, Recipe
from golive.training.roles import prepared_numbers
from golive.training.scores import score_of
from golive.training.search import Material, Progress, best_of, search
from golive.training.split import Rows, split_rows
from golive.training.target import check_target


class Parts(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Cleaned rows, set apart: positions in ``Cleaned.frame``, and the outlier bounds that training rows gave."""

    train: Rows
    test: Rows
    bounds: Bounds


def quiet(done: int, total: int, text: str) -> None:
    """Report progress to nobody."""


def train(
    recipe: Recipe, frame: pd.DataFrame, *, data_digest: Digest, jobs: int = 0, on_progress: Progress = quiet
) -> Fitted:
    """Clean the table, choose among the candidates by cross-validation and fit the winner on the training part.

    ``jobs`` is the number of processes; 0 means the recipe's ``search.jobs``, and where that is 0 too every core
    that this process may use. The same recipe, rows and library versions give the same model, whatever ``jobs`` is.

    Raises:
        DataError: the table or the recipe does not allow it; the message says what and the remedy.
        MissingExtraError: a candidate's library is not installed.
    """
    if not recipe.candidates:
        message = "no candidates are listed; name at least one model under candidates"
        raise DataError(message)
    jobs = jobs or recipe.search.jobs or joblib.cpu_count()
    cleaned = clean(frame, recipe)
    parts = set_apart(cleaned, recipe)
    steps, shape, rows, notes = _prepared(cleaned, parts, recipe)
    target = cleaned.target[parts.train]
    classes = np.unique(target) if recipe.task == "classification" else None
    order = None if cleaned.order is None else cleaned.order[parts.train]
    folds = folds_of(recipe, target, order)
    material = Material(recipe=recipe, prepared=shape, frame=rows, target=target, classes=classes, folds=folds)
    trials = search(material, jobs=jobs, on_progress=on_progress)
    chosen = best_of(trials)
    model, warned = _final(material, trials[chosen], jobs)
    train_raw, test_raw = cleaned.frame.iloc[parts.train], cleaned.frame.iloc[parts.test]
    inputs = fields_of(cleaned, train_raw, steps, (*shape.numbers, *shape.categories), recipe.features.units)
    names = [wanted.name for wanted in inputs]
    report = msgspec.structs.replace(
        cleaned.report,
        rows_out=len(parts.train) + len(parts.test),
        rows_train=len(parts.train),
        rows_test=len(parts.test),
        notes=(*notes, *warned),
    )
    return Fitted(
        pipeline=model,
        steps=steps,
        inputs=inputs,
        numbers=shape.numbers,
        categories=shape.categories,
        train_raw=train_raw[names],
        test_raw=test_raw[names],
        train_target=target,
        test_target=cleaned.target[parts.test],
        class_values=classes,
        trials=trials,
        chosen=chosen,
        metric=score_of(recipe.search.metric, recipe.task)[0],
        report=report,
        changes=cleaned.changes,
        recipe=recipe,
        data_digest=data_digest,
    )


def set_apart(cleaned: Cleaned, recipe: Recipe) -> Parts:
    """Split the cleaned rows and fit the outlier bounds on the training part; what they change is logged.

    Raises:
        DataError: the rows cannot be split so, or outliers take all training rows.
    """
    train_rows, test_rows = split_rows(recipe, cleaned.target, cleaned.order)
    bounds = outlier_bounds(cleaned.frame.iloc[train_rows], recipe)
    stay = without_outliers(cleaned.frame.iloc[train_rows], recipe, bounds, cleaned.log)
    train_rows = train_rows[stay]
    check_target(cleaned.target[train_rows], recipe)
    list_outliers(cleaned.frame.iloc[np.concatenate([train_rows, test_rows])], recipe, bounds, cleaned.log)
    return Parts(train=train_rows, test=test_rows, bounds=bounds)


def _prepared(
    cleaned: Cleaned, parts: Parts, recipe: Recipe
) -> tuple[tuple[DeclaredStep, ...], Prepared, pd.DataFrame, tuple[str, ...]]:
    steps = declared_steps(recipe, parts.bounds)
    raw = cleaned.frame.iloc[parts.train]
    columns = prepared_columns(steps, {name: raw[name].to_numpy() for name in raw.columns})
    rows = of_columns(columns, rows=len(raw))
    numbers = tuple(name for name in prepared_numbers(recipe) if name in columns)
    shape, notes = useful_columns(rows, numbers, recipe.features.categories, recipe)
    wanted = (*shape.numbers, *shape.categories)
    return needed_steps(steps, frozenset(wanted)), shape, rows[list(wanted)], notes


def _final(material: Material, winner: Trial, jobs: int) -> tuple[Any, tuple[str, ...]]:
    """Fit the winning setting on all training rows: (pipeline, what the libraries warned of)."""
    name: CandidateName = winner.candidate  # type: ignore[assignment]
    model = estimator(name, winner.parameters, material.recipe)
    fitted = pipeline(material.prepared, material.recipe, model, takes_sparse=takes_sparse(name))
    with_jobs(model, jobs)
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("always")
        fitted.fit(material.frame, material.target)
    with_jobs(fitted[-1], 1)
    # What a library will change in a later version is its maker's affair, and golive's.
    told = (warning for warning in caught if not issubclass(warning.category, FutureWarning | DeprecationWarning))
    return fitted, tuple(dict.fromkeys(_first_line(warning.message) for warning in told))


def _first_line(message: Warning | str) -> str:
    return f"while fitting the winner: {str(message).strip().splitlines()[0]}"
