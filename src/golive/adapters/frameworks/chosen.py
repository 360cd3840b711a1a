"""Chosen: classifiers without probabilities; the class that they choose gets 1, the others 0."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from golive.adapters.frameworks.emitter import REMEDY, Emitter, Flow, FlowRule
from golive.adapters.frameworks.graph import Block


def has_labels_only(model: Any) -> bool:
    """Say whether a fitted model is a classifier that gives no probabilities."""
    return is_classifier(model) and not hasattr(model, "predict_proba")


def by_decision(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write a classifier that goes by its decision function: above zero is the second of two, else the highest.

    Raises:
        NotConvertibleError: it gives probabilities besides, which its decision function does not tell.
    """
    if not has_labels_only(model):
        raise emitter.refusal(model, "has no exact form in the graph", REMEDY)
    decision = emitter.decision(model, flow)
    if decision.width == 1:
        above = emitter.graph.op("Greater", decision.tensor, 0.0)
        return emitter.graph.with_complement(Block(emitter.graph.to_double(above), 1))
    return highest(emitter, decision)


def by_majority(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write a vote with ``voting="hard"``: the class with the greatest weight of votes, the first one at a tie."""
    given = model.weights or [1.0] * len(model.estimators)
    voting = [(name, weight) for (name, member), weight in zip(model.estimators, given, strict=True) if _is_in(member)]
    graph = emitter.graph
    total = ""
    for (name, weight), member in zip(voting, model.estimators_, strict=True):
        with emitter.inside(name):
            vote = highest(emitter, emitter.answer(member, flow)).tensor
        vote = graph.op("Mul", vote, np.full((1, len(model.classes_)), float(weight)))
        total = graph.op("Add", total, vote) if total else vote
    return highest(emitter, Block(total, len(model.classes_)))


def highest(emitter: Emitter, scores: Block) -> Block:
    """Give 1 for the class with the highest score, the first one at a tie, and 0 for the others."""
    graph = emitter.graph
    best = graph.op("ArgMax", scores.tensor, axis=1, keepdims=0)
    return Block(graph.op("Gather", np.eye(scores.width), best, axis=0), scores.width)


def _is_in(member: Any) -> bool:
    return not (isinstance(member, str) and member == "drop")


ANSWERS: Mapping[str, FlowRule] = dict.fromkeys(
    (
        "LinearSVC",
        "PassiveAggressiveClassifier",
        "Perceptron",
        "RidgeClassifier",
        "RidgeClassifierCV",
    ),
    by_decision,
)
"""Class name of a classifier without probabilities -> how the class that it chooses is written."""
