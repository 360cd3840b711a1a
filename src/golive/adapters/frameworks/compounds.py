"""Compounds: estimators made of others: voting, stacking, calibration, one against the rest, transformed targets."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.adapters.frameworks.chosen import by_majority
from golive.adapters.frameworks.curves import interpolate
from golive.adapters.frameworks.emitter import Emitter, Flow, FlowRule
from golive.adapters.frameworks.graph import PAIR, Block
from golive.adapters.frameworks.targets import inverse

NEARLY_ZERO = 1e-12
"""What temperature scaling adds to a probability before its logarithm (scikit-learn's ``_convert_to_logits``)."""


def voting(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write the weighted mean of the members' values or probabilities."""
    if getattr(model, "voting", "soft") != "soft":
        return by_majority(emitter, model, flow)
    names = [name for name, member in model.estimators if member != "drop"]
    answers = []
    for name, member in zip(names, model.estimators_, strict=True):
        with emitter.inside(name):
            answers.append(emitter.answer(member, flow))
    given = [
        weight for weight, (_, member) in zip(model.weights or [], model.estimators, strict=False) if member != "drop"
    ]
    weights = [float(weight) for weight in given] or [1.0] * len(answers)
    return _weighted_mean(emitter, answers, weights)


def calibrated(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write the mean over the calibrated members."""
    answers = [_calibrated_member(emitter, model, member, flow) for member in model.calibrated_classifiers_]
    return _weighted_mean(emitter, answers, [1.0] * len(answers))


def transformed_target(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write the inner regressor, then the way back to the target."""
    with emitter.inside("regressor"):
        value = emitter.answer(model.regressor_, flow)
    with emitter.inside("transformer"):
        return inverse(emitter, model.transformer_, value)


def stacking(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write the members, then the final estimator on their answers."""
    names = [name for name, member in model.estimators if member != "drop"]
    columns = []
    for name, member, method in zip(names, model.estimators_, model.stack_method_, strict=True):
        with emitter.inside(name):
            columns.append(_stacked_member(emitter, model, member, method, flow))
    if model.passthrough:
        columns.append(emitter.block(model, flow))
        with emitter.inside("final_estimator"):
            return emitter.answer(model.final_estimator_, emitter.graph.join(columns))
    with emitter.inside("final_estimator"), emitter.reached_by(lambda: np.zeros((1, len(columns)))):
        return emitter.answer(model.final_estimator_, emitter.graph.join(columns))


def _own_share(emitter: Emitter, member: Any, flow: Flow) -> Block:
    """Write the probability of the second class of two."""
    with emitter.inside("estimator"):
        return emitter.graph.select(emitter.answer(member, flow), [1])


def _stacked_member(emitter: Emitter, model: Any, member: Any, method: str, flow: Flow) -> Block:
    if method == "decision_function":
        return emitter.decision(member, flow)
    answer = emitter.answer(member, flow)
    if method == "predict" and hasattr(member, "classes_"):
        raise emitter.refusal(model, "stacks labels", "use stack_method='predict_proba'")
    # Of two classes only the second's probability is passed on, since the first adds nothing.
    return emitter.graph.select(answer, [1]) if method == "predict_proba" and answer.width == PAIR else answer


def _weighted_mean(emitter: Emitter, answers: Sequence[Block], weights: Sequence[float]) -> Block:
    graph = emitter.graph
    terms = [
        answer if weight == 1.0 else graph.by_row("Mul", answer, weight)
        for answer, weight in zip(answers, weights, strict=True)
    ]
    total = terms[0]
    for term in terms[1:]:
        total = graph.each("Add", total, term.tensor)
    return total if len(terms) == 1 and weights[0] == 1.0 else graph.each("Div", total, sum(weights))


def _calibrated_member(emitter: Emitter, model: Any, member: Any, flow: Flow) -> Block:
    graph = emitter.graph
    inner = member.estimator
    classes = len(member.classes)
    if len(inner.classes_) != classes:
        raise emitter.refusal(model, "has a fold that lacks a class", "use ensemble=False, or folds with every class")
    with emitter.inside("estimator"):
        if member.method == "temperature":
            return _temperature(emitter, member, flow)
        if hasattr(inner, "decision_function"):
            scores = emitter.decision(inner, flow)
        else:
            scores = emitter.answer(inner, flow)
            scores = graph.select(scores, [1]) if classes == PAIR else scores
    if member.method not in CALIBRATORS:
        raise emitter.refusal(model, f"calibrates by {member.method!r}", "use method='sigmoid' or 'isotonic'")
    columns = [
        CALIBRATORS[member.method](emitter, calibrator, graph.select(scores, [column]))
        for column, calibrator in enumerate(member.calibrators)
    ]
    if classes == PAIR:
        return graph.with_complement(columns[0])
    shares = graph.join(columns)
    total = graph.total(shares)
    # Where every calibrator gives zero, scikit-learn answers with equal shares.
    even = graph.op("Equal", total, 0.0)
    divided = graph.op("Div", shares.tensor, graph.op("Where", even, 1.0, total))
    return Block(graph.op("Where", even, 1.0 / classes, divided), classes)


def one_against_the_rest(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write each class's own probability, divided by their sum where that is not zero."""
    if model.multilabel_:
        raise emitter.refusal(model, "predicts several labels a row", "fit one model a label")
    graph = emitter.graph
    shares = [_own_share(emitter, member, flow) for member in model.estimators_]
    if len(shares) == 1:
        return graph.with_complement(shares[0])
    joined = graph.join(shares)
    total = graph.total(joined)
    return graph.each("Div", joined, graph.op("Where", graph.op("Equal", total, 0.0), 1.0, total))


def passed_through(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write the one fitted estimator whose answers are passed on unchanged."""
    with emitter.inside("estimator"):
        return emitter.answer(_inner(model), flow)


def with_threshold(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write the probabilities of a classifier whose label is drawn at another one than a half."""
    scorer = getattr(model, "_curve_scorer", None)
    second = scorer._get_pos_label() if scorer is not None else model.pos_label  # noqa: SLF001 - has no public name
    if model.response_method == "decision_function" or not hasattr(_inner(model), "predict_proba"):
        raise emitter.refusal(model, "draws its line on a decision function", "use response_method='predict_proba'")
    if second is not None and second != model.classes_[1]:
        raise emitter.refusal(model, f"draws its line for the class {second!r}", "use pos_label=classes_[1]")
    return passed_through(emitter, model, flow)


def threshold_of(model: Any) -> float | None:
    """Give the probability of the second class from which a classifier chooses it, where it was told or tuned."""
    match type(model).__name__:
        case "FixedThresholdClassifier":
            return 0.5 if model.threshold == "auto" else float(model.threshold)
        case "TunedThresholdClassifierCV":
            return float(model.best_threshold_)
        case _:
            return None


def _inner(model: Any) -> Any:
    fitted = getattr(model, "estimator_", None)
    return model.estimator if fitted is None else fitted


def _sigmoid(emitter: Emitter, calibrator: Any, score: Block) -> Block:
    """Write Platt's sigmoid, 1 / (1 + exp(a s + b))."""
    exponent = emitter.graph.op(
        "Add", emitter.graph.op("Mul", score.tensor, float(calibrator.a_)), float(calibrator.b_)
    )
    return emitter.graph.sigmoid(emitter.graph.each("Neg", Block(exponent, 1)))


def _isotonic(emitter: Emitter, calibrator: Any, score: Block) -> Block:
    """Write isotonic regression: straight lines between its points, constant beyond them."""
    xs = np.asarray(calibrator.X_thresholds_, np.float64)
    ys = np.asarray(calibrator.y_thresholds_, np.float64)
    return interpolate(emitter.graph, score, [(xs, ys)])


def _temperature(emitter: Emitter, member: Any, flow: Flow) -> Block:
    """Write softmax(beta * logits); a decision x of two classes counts as (-x, x), probabilities by their logarithm."""
    graph = emitter.graph
    inner = member.estimator
    beta = float(member.calibrators[0].beta_)
    if not hasattr(inner, "decision_function"):
        shares = emitter.answer(inner, flow)
        logits = graph.each("Log", graph.each("Add", shares, NEARLY_ZERO))
        return graph.each("Softmax", graph.by_row("Mul", logits, beta), axis=1)
    scores = emitter.decision(inner, flow)
    if scores.width == 1:
        return graph.with_complement(graph.sigmoid(graph.by_row("Mul", scores, 2.0 * beta)))
    return graph.each("Softmax", graph.by_row("Mul", scores, beta), axis=1)


CALIBRATORS: Mapping[str, Any] = {"sigmoid": _sigmoid, "isotonic": _isotonic}
"""Method of CalibratedClassifierCV -> how one calibrator is written."""

ANSWERS: Mapping[str, FlowRule] = {
    "VotingClassifier": voting,
    "VotingRegressor": voting,
    "StackingClassifier": stacking,
    "StackingRegressor": stacking,
    "CalibratedClassifierCV": calibrated,
    "TransformedTargetRegressor": transformed_target,
    "ClassIndices": passed_through,
    "FrozenEstimator": passed_through,
    "SelfTrainingClassifier": passed_through,
    "FixedThresholdClassifier": with_threshold,
    "TunedThresholdClassifierCV": with_threshold,
    "RANSACRegressor": passed_through,
    "OneVsRestClassifier": one_against_the_rest,
}
"""Class name of a compound -> how it is written."""
