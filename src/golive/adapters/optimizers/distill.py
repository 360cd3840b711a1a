"""Distill: a small model learns what the bundle answers, also to rows that nobody has seen.

A student reads the same ``N`` and ``C``. It is a scikit-learn pipeline that predicts numbers (a regression's value, a
classifier's log-odds) and becomes an exact graph by the framework plug-in, as any other model does.
"""

import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from onnx import helper
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from golive import plugins
from golive.adapters.optimizers.lessons import lesson
from golive.adapters.optimizers.narrow import in_single_precision, with_half_weights
from golive.adapters.optimizers.surgery import Surgery
from golive.domain.preparation import Preparation
from golive.errors import NotConvertibleError
from golive.ports import Candidate, Float64, Int64, Subject

ROWS = 8_000
"""So many rows, real and made ones, a student learns from."""
LEAST_ROWS = 200
CERTAIN = 1e-4
"""Probabilities are kept this far from 0 and 1, where log-odds end."""
TREES, LEAVES = 60, 8
NETWORKS = ((32, 16), (64, 32))
"""Hidden units of the networks, the small one first."""
WORTH = 3
"""A larger network is tried where it is so many times smaller than the bundle's graph."""
_BYTES = 2
_BINARY = 2


class DistillOptimizer:
    """Offers small networks, and for one output a shallow boosting, that have learned the bundle's answers."""

    name = "distillation"
    effort_s = 10.0

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give students; none with fewer than :data:`LEAST_ROWS` rows to learn from.

        Raises:
            NotConvertibleError: a column is read twice, or the bundle gives no number for a row.
        """
        if len(subject.answers) < LEAST_ROWS:
            return
        frame, goal = _lesson(subject)
        for hidden in NETWORKS:
            if hidden == NETWORKS[0] or WORTH * size_of(subject, hidden) <= len(subject.graph):
                name = f"distilled: network {'-'.join(map(str, hidden))}"
                yield _student(subject, frame, goal, network(subject, frame, hidden), name)
        if goal.shape[1] == 1:
            yield _student(subject, frame, goal, boosting(subject), f"distilled: boosting, {TREES} trees of {LEAVES}")


def size_of(subject: Subject, hidden: tuple[int, ...]) -> int:
    """Say about how many bytes a network takes whose weights are kept in 16 bits."""
    entries = sum(len(entry.values) for entry in subject.preparation.categories)
    widths: list[int] = [len(subject.preparation.numbers) + entries, *hidden, subject.answers.shape[1]]
    return sum(_BYTES * before * after for before, after in pairwise(widths))


def network(subject: Subject, frame: pd.DataFrame, hidden: tuple[int, ...]) -> Any:
    """Make the network that is to learn: numbers filled and scaled, categories one by one."""
    missing = bool(frame[list(subject.preparation.numbers)].isna().any().any())
    scale = make_pipeline(SimpleImputer(add_indicator=missing), StandardScaler())
    learner = MLPRegressor(
        hidden_layer_sizes=hidden,
        early_stopping=True,
        learning_rate_init=0.005,
        max_iter=60,
        n_iter_no_change=8,
        random_state=subject.seed,
    )
    return make_pipeline(_front(subject, scale), learner)


def boosting(subject: Subject) -> Any:
    """Make the boosting that is to learn; it takes missing numbers as they are."""
    learner = HistGradientBoostingRegressor(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        learning_rate=0.15,
        early_stopping=False,
        random_state=subject.seed,
    )
    return make_pipeline(_front(subject, "passthrough"), learner)


def _front(subject: Subject, numbers: Any) -> ColumnTransformer:
    names, texts = list(subject.preparation.numbers), [entry.column for entry in subject.preparation.categories]
    one_by_one = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    parts = (("numbers", numbers, names), ("texts", one_by_one, texts))
    return ColumnTransformer([part for part in parts if part[2]])


def _student(subject: Subject, frame: pd.DataFrame, goal: Float64, learner: Any, name: str) -> Candidate:
    middle, spread = goal.mean(axis=0), np.maximum(goal.std(axis=0), 1e-12)
    goal = (goal - middle) / spread
    with warnings.catch_warnings():
        # A student that has not come to its end is judged by what it answers.
        warnings.simplefilter("ignore", ConvergenceWarning)
        learner.fit(frame, goal if goal.shape[1] > 1 else goal[:, 0])
    converted = plugins.load("frameworks", "sklearn").convert(learner, frame, target="lesson")
    graph = _with_answer(converted.graph, middle, spread, subject)
    graph = in_single_precision(graph) or graph
    preparation = Preparation(numbers=converted.preparation.numbers, categories=converted.preparation.categories)
    return Candidate(name=name, graph=with_half_weights(graph) or graph, preparation=preparation)


def _lesson(subject: Subject) -> tuple[pd.DataFrame, Float64]:
    """Give rows to learn from and what is to be learned of them, ``[rows, outputs]``."""
    taught = lesson(subject, ROWS)
    answers = taught.answers
    if subject.task == "classification":
        kept = np.log(np.clip(answers, CERTAIN, 1 - CERTAIN))
        answers = kept[:, 1:] - kept[:, :1] if kept.shape[1] == _BINARY else kept - kept.mean(axis=1, keepdims=True)
    return _frame(subject.preparation, taught.numbers, taught.codes), np.asarray(answers, np.float64)


def _frame(preparation: Preparation, numbers: Float64, codes: Int64) -> pd.DataFrame:
    """Give rows as a student reads them; a value that is not known becomes a text that no column has."""
    names = [*preparation.numbers, *(entry.column for entry in preparation.categories)]
    if len(set(names)) < len(names):
        message = "a column is read as two, which a student cannot be told; leave distillation out"
        raise NotConvertibleError(message)
    columns: dict[str, Any] = {name: numbers[:, place] for place, name in enumerate(preparation.numbers)}
    for place, entry in enumerate(preparation.categories):
        known = entry.values  # noqa: PD011 - a vocabulary's, no frame's
        texts = np.array([*known, "\0unseen", None], dtype=object)
        columns[entry.column] = texts[codes[:, place]]
    return pd.DataFrame(columns)


def _with_answer(content: bytes, middle: Float64, spread: Float64, subject: Subject) -> bytes:
    """Turn a student's outputs into answers: moved and scaled back, then probabilities where it is a classifier."""
    surgery = Surgery(content)
    for node in surgery.nodes:
        node.output[:] = ["student" if name == "P" else name for name in node.output]
    add = [
        helper.make_node("Mul", ["student", surgery.add_constant(spread[None, :])], ["scaled"]),
        helper.make_node("Add", ["scaled", surgery.add_constant(middle[None, :])], ["moved"]),
    ]
    classes = subject.answers.shape[1]
    if subject.task != "classification":
        add.append(helper.make_node("Identity", ["moved"], ["P"]))
    elif classes == _BINARY:
        add += [
            helper.make_node("Sigmoid", ["moved"], ["second"]),
            helper.make_node("Sub", [surgery.add_constant(np.ones((1, 1))), "second"], ["first"]),
            helper.make_node("Concat", ["first", "second"], ["P"], axis=1),
        ]
    else:
        add.append(helper.make_node("Softmax", ["moved"], ["P"], axis=1))
    surgery.nodes = [*surgery.nodes, *add]
    return surgery.bytes(width=classes)
