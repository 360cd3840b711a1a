"""Metric: the names that a search and a gate may use, by task, and which end of each is the better one."""

import re
from collections.abc import Iterable, Mapping
from typing import get_args

from golive.domain.evidence import Direction
from golive.domain.finding import FindingKind
from golive.domain.signature import Task

SEARCHED: Mapping[Task, tuple[str, ...]] = {
    "regression": ("rmse", "mae", "r2"),
    "classification": ("log_loss", "accuracy", "f1", "auc"),
}
"""What a search may go by; the first is taken where golive.yaml names none."""
COMPARED: Mapping[Task, tuple[str, ...]] = {
    "regression": ("rmse", "mae", "r2", "median_absolute_error", "mape", "mse"),
    "classification": (
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "auc",
        "pr_auc",
        "log_loss",
        "brier",
        "ece",
    ),
}
"""What evaluation measures of a model, its baseline and its champion, and what candidates can be judged by."""
DESCRIBED: Mapping[Task, tuple[str, ...]] = {
    "regression": ("smape", "bias", "max_error", "spearman"),
    "classification": ("mcc", "specificity"),
}
"""What evaluation measures of the three beside that."""
ALONE = (
    "size_mb",
    "latency.p50_ms",
    "latency.p99_ms",
    "invalid_predictions",
    "unusable_truths",
    "improper_probabilities",
)
"""What evaluation measures of the model only."""
DECLARED: Mapping[Task, tuple[str, ...]] = {
    "regression": ("quantile.coverage", "pinball", "ndcg", "map", "mrr", "pair_accuracy"),
    "classification": (
        "cost",
        "precision_at_budget",
        "recall_at_budget",
        "alert_rate",
        "ndcg",
        "map",
        "mrr",
        "pair_accuracy",
    ),
}
"""What is measured of the three where golive.yaml's ``evaluation`` section asks for it."""
POINTS = frozenset({"max_error", "baseline.max_error", "champion.max_error", "baseline.r2", "cost.best_threshold"})
"""What is measured of rows and has no interval: an extreme, a constant's share of what is explained, a choice."""
COMPARED_INSTEAD: Mapping[str, str] = {"ece": "brier", "max_error": "rmse"}
"""Measures whose differences have no interval, and what says nearly as much and has one."""
FAMILIES = ("fairness", "robustness", "slices", "class", "calibration", "cost", "importance", "drift", "shift")
"""First parts of names whose rest depends on columns, groups, classes or strengths."""
_HIGHER = frozenset(
    {
        "r2",
        "spearman",
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "auc",
        "pr_auc",
        "mcc",
        "specificity",
        "precision_at_budget",
        "recall_at_budget",
        "ndcg",
        "map",
        "mrr",
        "pair_accuracy",
    }
)
_NEITHER = frozenset({"bias", "quantile.coverage", "alert_rate", "cost.best_threshold"})
_OF_ANY_ROWS = frozenset({"refused_rows"})
"""What is counted before rows are answered."""
_CLASSIFIED_ONLY = frozenset({"improper_probabilities"})
_NOT_OF_THE_BASELINE = frozenset({"spearman"})
"""An answer that is the same for every row has no order."""


def better(name: str) -> Direction:
    """Say whether higher or lower values of a metric are better; ``none`` where neither end is."""
    if name in _NEITHER or name.startswith("calibration."):
        return "none"
    last = name.rpartition(".")[2] if name.startswith("class.") else name
    return "higher" if last in _HIGHER else "lower"


def default_metric(task: Task) -> str:
    """Give the metric of a project that names none."""
    return SEARCHED[task][0]


def measure_names(task: Task) -> tuple[str, ...]:
    """Give every name that is always measured; differences are made of two of them."""
    compared = (*COMPARED[task], *DESCRIBED[task])
    alone = (name for name in ALONE if task == "classification" or name not in _CLASSIFIED_ONLY)
    of_baseline = (f"baseline.{name}" for name in compared if name not in _NOT_OF_THE_BASELINE)
    return (*compared, *alone, *of_baseline, *(f"champion.{name}" for name in compared))


def is_measured(name: str, task: Task) -> bool:
    """Say whether evaluation can give a measure of that name: always, or where it is declared or found."""
    bare = name.removeprefix("baseline.").removeprefix("champion.")
    return (
        name in measure_names(task)
        or name in _OF_ANY_ROWS
        or bare in DECLARED[task]
        or name in get_args(FindingKind)
        or ("." in name and name.partition(".")[0] in FAMILIES)
    )


def rule_name(text: str) -> str:
    """Write the name of a column or class as a part of a measure's name: letters a to z, digits and ``_`` are kept."""
    return re.sub(r"[^A-Za-z0-9_]", "_", text)


def rule_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Write several as :func:`rule_name` does; the second that would be the same gets ``_2``, and so on."""
    given: dict[str, None] = {}
    for text in texts:
        plain = rule_name(text)
        name, place = plain, 2
        while name in given:
            name, place = f"{plain}_{place}", place + 1
        given[name] = None
    return tuple(given)
