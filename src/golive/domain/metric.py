"""Metric: the names that a search and a gate may use, by task, and which end of each is the better one."""

from collections.abc import Mapping

from golive.domain.evidence import Direction
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
"""What evaluation measures of a model, its baseline and its champion."""
ALONE = ("size_mb", "latency.p50_ms", "latency.p99_ms", "invalid_predictions", "unusable_truths")
"""What evaluation measures of the model only."""
_HIGHER = frozenset({"r2", "accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc", "pr_auc"})


def better(name: str) -> Direction:
    """Say whether higher or lower values of a metric are better."""
    return "higher" if name in _HIGHER else "lower"


def default_metric(task: Task) -> str:
    """Give the metric of a project that names none."""
    return SEARCHED[task][0]


def measure_names(task: Task) -> tuple[str, ...]:
    """Give every name that a gate rule may use; differences are made of two of them."""
    others = (f"{role}.{name}" for role in ("baseline", "champion") for name in COMPARED[task])
    return (*COMPARED[task], *ALONE, *others)
