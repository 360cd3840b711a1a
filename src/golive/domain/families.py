"""Families: the names of measures that say of what they are, such as a stress, a column of groups or a class."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from golive.domain.metric import rule_names
from golive.domain.signature import Task

_SHARES = ("1", "5", "10", "20", "50")
_FEEDS = ("1", "10", "100")
_SMALL = ("0_01", "0_02", "0_05", "0_1", "0_2", "0_5")
_STRESSES: Mapping[str, tuple[str, ...]] = {
    "noise": (*_SMALL, "1"),
    "missing": _SHARES,
    "out_of_range": ("10", "50", "100"),
    "unseen": _SHARES,
    "misspelt": _SHARES,
    "case": _FEEDS,
    "whitespace": _FEEDS,
    "encoding": _FEEDS,
    "image_noise": ("2", "5", "10", "20"),
    "shift": ("1", "2"),
    "occlusion": ("5", "10", "25"),
    "brightness": ("10", "25"),
    "contrast": ("10", "25", "50"),
    "rotation": ("5", "10", "20"),
}
"""Every family of stresses, and the strengths at which it is tried."""
_SINGLES = ("unit", "swap", "constant")
_STRESSED: Mapping[str, tuple[str, ...]] = {
    "regression": ("rmse", "r2"),
    "classification": ("auc", "accuracy", "log_loss"),
}
_REACHED: Mapping[str, str] = {"regression": "change", "classification": "flips"}
_FAIR: Mapping[str, tuple[str, ...]] = {
    "regression": ("error_difference", "rmse_ratio"),
    "classification": (
        "selection_ratio",
        "selection_difference",
        "accuracy_difference",
        "tpr_difference",
        "fpr_difference",
        "tpr_ratio",
        "fpr_ratio",
        "equalized_odds_difference",
        "calibration_difference",
    ),
}
_OF_A_CLASS = ("precision", "recall", "f1", "auc", "pr_auc")
_TWO = 2


def namesakes(
    name: str, task: Task, *, classes: Sequence[str] = (), sensitive: Sequence[str] = ()
) -> tuple[str, ...] | None:
    """Give every name that a measure of the same family can have; None where a family's names are open.

    ``classes`` are the model's labels and ``sensitive`` the declared columns; where they are not known (empty), the
    part of the name that speaks of them is taken as it is.
    """
    family, _, rest = name.partition(".")
    place = rest.rpartition(".")[0]
    tasks = ("regression", "classification") if task == "tensors" else (task,)
    if family == "robustness":
        return tuple(one for each in tasks for one in _stressed(each, len(classes)))
    if family == "fairness":
        places = _places(sensitive) if sensitive else (place,)
        return tuple(f"fairness.{where}.{last}" for each in tasks for where in places for last in _FAIR[each])
    if family == "class":
        labels = rule_names(classes) if classes else (place,)
        return tuple(f"class.{label}.{last}" for label in labels for last in _OF_A_CLASS)
    return None


def _places(sensitive: Sequence[str]) -> tuple[str, ...]:
    columns = tuple(dict.fromkeys(sensitive))
    return rule_names((*columns, *("_x_".join(pair) for pair in combinations(columns, _TWO))))


def _stressed(task: str, classes: int) -> list[str]:
    """Name what is measured under stress; an AUC only of two classes, or of as many as nobody knows."""
    metrics = [name for name in _STRESSED[task] if name != "auc" or classes in {0, _TWO}]
    levels = [f"{family}_{strength}" for family, strengths in _STRESSES.items() for strength in strengths]
    ratios = ("rmse_ratio",) if task == "regression" else ()
    graded = [
        f"robustness.{level}.{last}"
        for level in levels
        for last in (*(f"{metric}_drop" for metric in metrics), *ratios, "refused")
    ]
    single = [
        f"robustness.{kind}.worst_{last}"
        for kind in _SINGLES
        for last in (*(f"{metric}_drop" for metric in metrics), *ratios)
    ]
    return [*graded, *single, *(f"robustness.{_REACHED[task]}_{strength}" for strength in _SMALL)]
