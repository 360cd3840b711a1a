"""Fitted: what training hands on: the model, the road to it from a caller's row, and how it was chosen."""

from pathlib import Path
from typing import Any

import joblib
import msgspec
import numpy.typing as npt
import pandas as pd

from golive.domain.data_report import DataReport
from golive.domain.digest import Digest
from golive.domain.preparation import DeclaredStep
from golive.domain.signature import DType, Field, Signature
from golive.domain.trial import Trial
from golive.errors import VerificationError
from golive.inference.steps import prepared_columns
from golive.inference.table import columns_of
from golive.inference.values import text_of
from golive.ports import Column, Float64
from golive.training.frame import of_columns
from golive.training.recipe import Recipe
from golive.training.search import predictions_of


class Fitted(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A fitted model with the rows that it was fitted on and the rows set apart for the test.

    Raw rows hold what callers send (numbers and bools float64 with NaN, texts object with None), indexed by their
    position in the source. Everything fitted saw training rows only.
    """

    pipeline: Any
    """The fitted scikit-learn pipeline; reads prepared columns."""
    steps: tuple[DeclaredStep, ...]
    inputs: tuple[Field, ...]
    """The columns that callers send, only those the model needs."""
    numbers: tuple[str, ...]
    """Prepared number columns (float64), in the order the pipeline reads them."""
    categories: tuple[str, ...]
    """Prepared category columns (object of str and None)."""
    train_raw: pd.DataFrame
    test_raw: pd.DataFrame
    train_target: Column
    """float64, or labels as int64, bool or object of str."""
    test_target: Column
    class_values: npt.NDArray[Any] | None
    """The classes in the order of the probabilities, as the target has them; None for a regression."""
    trials: tuple[Trial, ...]
    chosen: int
    """The position of the winning trial."""
    metric: str
    report: DataReport
    changes: pd.DataFrame
    """Every changed row and cell: row, column, rule, action, before, after."""
    recipe: Recipe
    data_digest: Digest

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes as texts, in the order of the probabilities; empty for a regression."""
        return () if self.class_values is None else tuple(text_of(value) or "" for value in self.class_values.tolist())

    @property
    def class_dtype(self) -> DType:
        """How labels are written in answers."""
        kind = "O" if self.class_values is None else self.class_values.dtype.kind
        return {"i": "int64", "b": "bool"}.get(kind, "string")  # type: ignore[return-value]

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        return Signature(
            inputs=self.inputs,
            task=self.recipe.task,
            target=self.recipe.target,
            classes=self.classes,
            class_dtype=self.class_dtype,
            unit=self.recipe.features.units.get(self.recipe.target, ""),
        )

    @property
    def winner(self) -> Trial:
        """The setting that the pipeline was fitted with."""
        return self.trials[self.chosen]

    def prepare(self, raw: Any) -> pd.DataFrame:
        """Turn raw rows (a data frame, or a mapping of columns) into the columns the pipeline reads.

        Raises:
            RequestError: a needed column is absent.
            InvalidRowError: a value does not fit its column.
        """
        columns = columns_of(self.signature, raw)
        prepared = prepared_columns(self.steps, columns)
        rows = len(next(iter(columns.values()), ()))
        return of_columns({name: prepared[name] for name in (*self.numbers, *self.categories)}, rows=rows)

    def predict(self, raw: Any) -> Float64:
        """Give the original's answers on raw rows: float64 ``[n, 1]`` values or ``[n, classes]`` probabilities.

        Raises:
            RequestError: a needed column is absent.
            InvalidRowError: a value does not fit its column.
        """
        return predictions_of(self.pipeline, self.prepare(raw), self.class_values)


def save_fitted(fitted: Fitted, path: Path) -> None:
    """Keep a fitted model in the cache. The file is for this machine and this environment, never for a bundle."""
    joblib.dump(fitted, path, compress=("zlib", 1))


def load_fitted(path: Path) -> Fitted:
    """Read a fitted model that ``save_fitted`` wrote here. Only for files of one's own cache: loading runs code.

    Raises:
        VerificationError: the file holds something else.
    """
    fitted = joblib.load(path)
    if not isinstance(fitted, Fitted):
        message = f"{path} holds a {type(fitted).__name__} where a fitted model was expected; delete it and train again"
        raise VerificationError(message)
    return fitted
