"""Estimators: linear models, kernel machines, networks and the other models that are plain arithmetic."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from golive.adapters.frameworks.chosen import by_decision, has_labels_only, highest
from golive.adapters.frameworks.emitter import BlockRule, Emitter
from golive.adapters.frameworks.graph import PAIR, Block
from golive.adapters.frameworks.splice import spliced
from golive.adapters.frameworks.text import above, is_of_terms
from golive.ports import Float64

WRAP = "wrap it in CalibratedClassifierCV(..., method='sigmoid', ensemble=False)"


def linear_value(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write ``x @ coef + intercept``."""
    weights = np.atleast_2d(dense(model.coef_))
    if len(weights) != 1:
        raise emitter.refusal(model, f"predicts {len(weights)} targets", "fit one model a target")
    return emitter.graph.product(block, weights.T, model.intercept_)


def latent_value(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write partial least squares: the linear form of the centered columns."""
    center = model._x_mean  # noqa: SLF001 - the mean of the training rows has no public name
    return linear_value(emitter, model, emitter.graph.by_row("Sub", block, center))


def exponential_value(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write a generalized linear model with a logarithmic link (Poisson, Gamma) or none."""
    raw = linear_value(emitter, model, block)
    link = type(model._base_loss.link).__name__  # noqa: SLF001 - Tweedie's choice of link has no public name
    return emitter.graph.each("Exp", raw) if link == "LogLink" else raw


def linear_decision(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write a linear classifier's decision function."""
    weights = np.atleast_2d(dense(model.coef_))
    return emitter.graph.product(block, weights.T, model.intercept_)


def logistic(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write logistic regression: sigmoid for two classes, softmax for more (or one against the rest)."""
    scores = linear_decision(emitter, model, block)
    if len(model.classes_) == PAIR:
        return emitter.graph.with_complement(emitter.graph.sigmoid(scores))
    if getattr(model, "multi_class", "") == "ovr" or getattr(model, "solver", "") == "liblinear":
        return _normalized(emitter, emitter.graph.sigmoid(scores))
    return emitter.graph.each("Softmax", scores, axis=1)


def gradient_descent_classes(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write SGDClassifier: with ``loss="log_loss"`` one against the rest, else the class that it chooses."""
    if model.loss == "modified_huber":
        return spliced(emitter, model, block)
    if model.loss != "log_loss":
        return by_decision(emitter, model, block)
    scores = linear_decision(emitter, model, block)
    shares = emitter.graph.sigmoid(scores)
    return emitter.graph.with_complement(shares) if shares.width == 1 else _normalized(emitter, shares)


def discriminant(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write linear discriminant analysis: sigmoid or softmax of its linear decision."""
    scores = linear_decision(emitter, model, block)
    if len(model.classes_) == PAIR:
        return emitter.graph.with_complement(emitter.graph.sigmoid(scores))
    return emitter.graph.each("Softmax", scores, axis=1)


def presence_bayes(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write Bernoulli naive Bayes: softmax of a linear form of which columns are above the threshold."""
    present = np.asarray(model.feature_log_prob_, np.float64)
    absent = np.log(1.0 - np.exp(present))
    seen = block if model.binarize is None else above(emitter, block, float(model.binarize))
    joint = emitter.graph.product(seen, (present - absent).T, model.class_log_prior_ + absent.sum(axis=1))
    return emitter.graph.each("Softmax", joint, axis=1)


def complement_bayes(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write complement naive Bayes of a text: softmax of a linear form. That of numbers is spliced."""
    if not is_of_terms(emitter, block):
        return spliced(emitter, model, block)
    prior = model.class_log_prior_ if len(model.classes_) == 1 else 0.0
    joint = emitter.graph.product(block, np.asarray(model.feature_log_prob_).T, prior)
    return emitter.graph.each("Softmax", joint, axis=1)


def kernel_value(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write support vector regression, or how far inside its one class a row lies: a weighted sum of kernels."""
    if model.kernel == "linear":
        return emitter.graph.product(block, dense(model.coef_).T, model.intercept_)
    return emitter.graph.product(_support(emitter, model, block), dense(model.dual_coef_).T, model.intercept_)


def kernel_decision(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write a support vector classifier's decision function; more than two classes vote one against one.

    For several classes the shape is one-vs-rest: votes plus ``s / (3 (|s| + 1))``, with s the summed decisions.
    """
    classes = len(model.classes_)
    if classes == PAIR and model.kernel == "linear":
        return emitter.graph.product(block, dense(model.coef_).T, model.intercept_)
    if classes == PAIR:
        return emitter.graph.product(_support(emitter, model, block), dense(model.dual_coef_).T, model.intercept_)
    if model.decision_function_shape != "ovr":
        raise emitter.refusal(model, "gives one decision a pair of classes", "set decision_function_shape='ovr'")
    graph = emitter.graph
    pairs = _pairs(emitter, model, block)
    firsts, seconds = _pair_members(classes)
    lost = graph.to_double(graph.op("Less", pairs.tensor, 0.0))
    votes = graph.op("Add", graph.op("MatMul", lost, seconds - firsts), firsts.sum(axis=0)[None, :])
    total = graph.op("MatMul", pairs.tensor, firsts - seconds)
    damped = graph.op("Mul", 3.0, graph.op("Add", graph.op("Abs", total), 1.0))
    return Block(graph.op("Add", votes, graph.op("Div", total, damped)), classes)


def kernel_choice(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write the class that a support vector classifier chooses: the one with most votes of the pairs (libsvm).

    Raises:
        NotConvertibleError: it gives probabilities, which libsvm finds by iterating.
    """
    classes = len(model.classes_)
    if classes == PAIR or model.break_ties or not has_labels_only(model):
        return by_decision(emitter, model, block)
    graph = emitter.graph
    won = graph.to_double(graph.op("Greater", _pairs(emitter, model, block).tensor, 0.0))
    firsts, seconds = _pair_members(classes)
    votes = graph.op("Add", graph.op("MatMul", won, firsts - seconds), seconds.sum(axis=0)[None, :])
    return highest(emitter, Block(votes, classes))


def network(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write a multi-layer perceptron."""
    graph = emitter.graph
    last = len(model.coefs_) - 1
    for layer, (weights, offsets) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        block = graph.product(block, weights, offsets)
        name = model.out_activation_ if layer == last else model.activation
        if name not in ACTIVATIONS:
            raise emitter.refusal(model, f"uses the activation {name!r}", f"use one of {', '.join(ACTIVATIONS)}")
        kind = ACTIVATIONS[name]
        block = graph.each(kind, block, **({"axis": 1} if kind == "Softmax" else {})) if kind else block
    if not hasattr(model, "classes_"):
        return block
    return graph.with_complement(block) if block.width == 1 else block


def gaussian_bayes(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write Gaussian naive Bayes: softmax of the joint log-likelihoods."""
    graph = emitter.graph
    variances = np.asarray(model.var_, np.float64)
    constant = np.log(model.class_prior_) - 0.5 * np.sum(np.log(2.0 * np.pi * variances), axis=1)
    offset = graph.op("Sub", graph.op("Unsqueeze", block.tensor, np.array([1])), np.asarray(model.theta_)[None])
    terms = graph.op("Div", graph.op("Mul", offset, offset), 2.0 * variances[None])
    # A product with ones, as in Graph.total: the order of a ReduceSum depends on a row's place in memory.
    distance = graph.op("Squeeze", graph.op("MatMul", terms, np.ones((block.width, 1))), np.array([2]))
    joint = graph.op("Sub", constant[None, :], distance)
    return Block(graph.op("Softmax", joint, axis=1), len(constant))


def quadratic_discriminant(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write quadratic discriminant analysis: softmax of each class's Gaussian log-likelihood."""
    graph = emitter.graph
    logs = []
    for mean, rotation, spread, prior in zip(
        model.means_, model.rotations_, model.scalings_, model.priors_, strict=True
    ):
        turned = graph.product(graph.by_row("Sub", block, mean), rotation / np.sqrt(spread), 0.0)
        distance = graph.total(graph.each("Mul", turned, turned.tensor))
        constant = float(np.log(prior) - 0.5 * np.sum(np.log(spread)))
        logs.append(Block(graph.op("Add", graph.op("Mul", distance, -0.5), constant), 1))
    return graph.each("Softmax", graph.join(logs), axis=1)


def counting_bayes(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write multinomial naive Bayes: softmax of a linear form of the counts."""
    joint = emitter.graph.product(block, np.asarray(model.feature_log_prob_).T, model.class_log_prior_)
    return emitter.graph.each("Softmax", joint, axis=1)


def dummy_value(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write a constant prediction."""
    return emitter.graph.repeated(np.asarray(model.constant_).reshape(1, -1), block)


def dummy_classes(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write constant probabilities."""
    if model.strategy == "stratified":
        raise emitter.refusal(model, "answers at random with strategy='stratified'", "use strategy='prior'")
    shares = model.predict_proba(np.zeros((1, 1)))
    return emitter.graph.repeated(shares, block)


def dense(values: Any) -> Float64:
    """Give what a model learned as an array; one that was fitted on texts keeps it sparse."""
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, np.float64)


def _normalized(emitter: Emitter, shares: Block) -> Block:
    return emitter.graph.each("Div", shares, emitter.graph.total(shares))


def kernels(emitter: Emitter, model: Any, block: Block, vectors: Float64, *, gamma: float | None) -> Block:
    """Write the kernel of each row with each vector: ``[rows, vectors]``.

    Args:
        emitter: the conversion.
        model: what names the kernel, and its ``coef0`` and ``degree``.
        block: the rows.
        vectors: ``[vectors, width]``.
        gamma: the width of the kernel; ``None`` is one over the number of columns.
    """
    graph = emitter.graph
    gamma = 1.0 / block.width if gamma is None else float(gamma)
    if model.kernel == "rbf":
        return _radial(emitter, block, vectors, gamma)
    if model.kernel not in {"linear", "poly", "polynomial", "sigmoid"}:
        raise emitter.refusal(model, f"uses the kernel {model.kernel!r}", "use rbf, linear, poly or sigmoid")
    if model.kernel == "linear":
        return graph.product(block, vectors.T, 0.0)
    scaled = graph.product(block, gamma * vectors.T, 1.0 if model.coef0 is None else float(model.coef0))
    if model.kernel == "sigmoid":
        return graph.each("Tanh", scaled)
    return graph.each("Pow", scaled, 3.0 if model.degree is None else float(model.degree))


def _support(emitter: Emitter, model: Any, block: Block) -> Block:
    gamma = model._gamma  # noqa: SLF001 - "scale" and "auto" resolved
    return kernels(emitter, model, block, dense(model.support_vectors_), gamma=gamma)


def _pairs(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write the decision of each pair of classes; above zero is for the first."""
    near = _support(emitter, model, block)
    return emitter.graph.product(near, _pair_weights(model, len(model.classes_)), model.intercept_)


def _radial(emitter: Emitter, block: Block, vectors: Float64, gamma: float) -> Block:
    """Write exp(-gamma |x - v|^2)."""
    distance = squared_distances(emitter, block, vectors)
    decay = emitter.graph.op("Mul", distance.tensor, -gamma)
    return Block(emitter.graph.op("Exp", decay), len(vectors))


def squared_distances(emitter: Emitter, block: Block, vectors: Float64) -> Block:
    """Write |x - v|^2 of each row and each vector, expanded to one product after moving both to the vectors' center.

    The expansion cancels where numbers are large; near the center it does not.
    """
    graph = emitter.graph
    center = vectors.mean(axis=0)
    moved = graph.op("Sub", block.tensor, center[None, :])
    vectors = vectors - center
    squares = graph.total(Block(graph.op("Mul", moved, moved), block.width))
    cross = graph.op("MatMul", moved, np.ascontiguousarray(2.0 * vectors.T))
    distance = graph.op("Add", graph.op("Sub", squares, cross), np.sum(vectors**2, axis=1)[None, :])
    return Block(graph.op("Max", distance, 0.0), len(vectors))


def _pair_weights(model: Any, classes: int) -> Float64:
    """Give each support vector's weight in each pair of classes: ``[support vectors, pairs]``.

    libsvm keeps ``classes - 1`` rows of weights; a vector of class i meets class j in row j - 1 when j > i, else j.
    """
    dual = dense(model.dual_coef_)
    owner = np.repeat(np.arange(classes), model.n_support_)
    weights = np.zeros((dual.shape[1], classes * (classes - 1) // 2))
    pairs = [(first, second) for first in range(classes) for second in range(first + 1, classes)]
    for pair, (first, second) in enumerate(pairs):
        weights[owner == first, pair] = dual[second - 1, owner == first]
        weights[owner == second, pair] = dual[first, owner == second]
    return weights


def _pair_members(classes: int) -> tuple[Float64, Float64]:
    """Give two 0/1 matrices ``[pairs, classes]``: each pair's first class, and its second."""
    pairs = [(first, second) for first in range(classes) for second in range(first + 1, classes)]
    identity = np.eye(classes)
    return identity[[first for first, _ in pairs]], identity[[second for _, second in pairs]]


ACTIVATIONS: Mapping[str, str] = {
    "identity": "",
    "relu": "Relu",
    "tanh": "Tanh",
    "logistic": "Sigmoid",
    "softmax": "Softmax",
    "exp": "Exp",
}
"""scikit-learn's name of an activation -> ONNX's (empty: nothing to do)."""

ANSWERS: Mapping[str, BlockRule] = {
    **dict.fromkeys(
        (
            "LinearRegression",
            "Ridge",
            "RidgeCV",
            "Lasso",
            "LassoCV",
            "LassoLars",
            "LassoLarsCV",
            "LassoLarsIC",
            "Lars",
            "LarsCV",
            "ElasticNet",
            "ElasticNetCV",
            "BayesianRidge",
            "ARDRegression",
            "HuberRegressor",
            "TheilSenRegressor",
            "QuantileRegressor",
            "OrthogonalMatchingPursuit",
            "OrthogonalMatchingPursuitCV",
            "SGDRegressor",
            "PassiveAggressiveRegressor",
            "LinearSVR",
        ),
        linear_value,
    ),
    **dict.fromkeys(("PoissonRegressor", "GammaRegressor", "TweedieRegressor"), exponential_value),
    **dict.fromkeys(("LogisticRegression", "LogisticRegressionCV"), logistic),
    "SGDClassifier": gradient_descent_classes,
    "LinearDiscriminantAnalysis": discriminant,
    "PLSRegression": latent_value,
    "SVC": kernel_choice,
    "NuSVC": kernel_choice,
    "SVR": kernel_value,
    "NuSVR": kernel_value,
    "MLPClassifier": network,
    "MLPRegressor": network,
    "GaussianNB": gaussian_bayes,
    "MultinomialNB": counting_bayes,
    "BernoulliNB": presence_bayes,
    "ComplementNB": complement_bayes,
    "OneClassSVM": kernel_value,
    "QuadraticDiscriminantAnalysis": quadratic_discriminant,
    "DummyRegressor": dummy_value,
    "DummyClassifier": dummy_classes,
}
"""Class name of an estimator -> how its values or probabilities are written."""

DECISIONS: Mapping[str, BlockRule] = {
    **dict.fromkeys(
        (
            "LogisticRegression",
            "LogisticRegressionCV",
            "LinearSVC",
            "SGDClassifier",
            "RidgeClassifier",
            "RidgeClassifierCV",
            "Perceptron",
            "PassiveAggressiveClassifier",
            "LinearDiscriminantAnalysis",
        ),
        linear_decision,
    ),
    "SVC": kernel_decision,
    "NuSVC": kernel_decision,
}
"""Class name of a classifier -> how its decision function is written."""
