"""Projections: transformers that are one product with a matrix, and maps and models made of kernels or distances."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from golive.adapters.frameworks.curves import interpolate
from golive.adapters.frameworks.emitter import BlockRule, Emitter
from golive.adapters.frameworks.estimators import dense, kernels
from golive.adapters.frameworks.graph import Block
from golive.adapters.frameworks.splice import CONDITIONS, parts_of, spliced
from golive.ports import Float64

MOST_COLUMNS = 64
"""Of a Gaussian process whose distances are written column by column."""


def factors(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write factor analysis: the expected latent variables of each row (Barber 2012, equation 21.2.33)."""
    scaled = model.components_ / model.noise_variance_
    spread = np.linalg.inv(np.eye(len(model.components_)) + scaled @ model.components_.T)
    graph = emitter.graph
    return graph.product(graph.product(graph.by_row("Sub", block, model.mean_), scaled.T, 0.0), spread, 0.0)


def independent_components(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write the unmixing of FastICA."""
    centered = emitter.graph.by_row("Sub", block, model.mean_) if model.whiten else block
    return emitter.graph.product(centered, np.asarray(model.components_).T, 0.0)


def projected(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write a product with the components: random projections, neighborhood components."""
    return emitter.graph.product(block, dense(model.components_).T, 0.0)


def agglomerated(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write the mean of each group of columns."""
    if model.pooling_func is not np.mean:
        raise emitter.refusal(model, "pools by a function of its own", "use pooling_func=np.mean")
    labels = np.asarray(model.labels_)
    groups = np.eye(labels.max() + 1)[labels]
    sums = emitter.graph.product(block, groups, 0.0)
    return emitter.graph.by_row("Div", sums, groups.sum(axis=0))


def kernel_components(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write kernel PCA: the centered kernels with the rows of training, times the scaled eigenvectors."""
    graph = emitter.graph
    near = kernels(emitter, model, block, dense(model.X_fit_), gamma=model.gamma_)
    center = model._centerer  # noqa: SLF001 - what the kernels are centered by has no public name
    own = graph.product(near, np.full((near.width, 1), 1.0 / near.width), 0.0).tensor
    centered = Block(graph.op("Sub", graph.by_row("Sub", near, center.K_fit_rows_).tensor, own), near.width)
    values = np.asarray(model.eigenvalues_, np.float64)
    vectors = np.where(values != 0, model.eigenvectors_ / np.sqrt(np.where(values != 0, values, 1.0)), 0.0)
    return graph.product(graph.each("Add", centered, float(center.K_fit_all_)), vectors, 0.0)


def nystroem(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write Nystroem's map: kernels with the chosen rows, normalized."""
    near = kernels(emitter, model, block, dense(model.components_), gamma=model.gamma)
    return emitter.graph.product(near, np.asarray(model.normalization_).T, 0.0)


def random_waves(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write RBFSampler: cosines of random projections (Rahimi and Recht 2007)."""
    graph = emitter.graph
    waves = graph.each("Cos", graph.product(block, model.random_weights_, model.random_offset_))
    return graph.by_row("Mul", waves, np.sqrt(2.0 / model.n_components))


def kernel_ridge(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write kernel ridge regression: a weighted sum of kernels."""
    weights = np.asarray(model.dual_coef_, np.float64)
    if weights.ndim != 1:
        raise emitter.refusal(model, f"predicts {weights.shape[1]} targets", "fit one model a target")
    near = kernels(emitter, model, block, dense(model.X_fit_), gamma=model.gamma)
    return _weighted(emitter, near, weights)


def gaussian_process(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write the mean of a Gaussian process: a weighted sum of the kernel with each row of training.

    A Matern kernel, and one of many columns, is spliced.

    Raises:
        NotConvertibleError: the kernel has no exact form, or rounding moves the answers too far.
    """
    if (objection := CONDITIONS["GaussianProcessRegressor"](model)) is not None:
        raise emitter.refusal(model, *objection)
    if block.width > MOST_COLUMNS or any(type(kernel).__name__ == "Matern" for kernel in parts_of(model.kernel_)):
        return spliced(emitter, model, block)
    near = _covariance(emitter, model.kernel_, block, dense(model.X_train_))
    return _weighted(emitter, near, np.asarray(model.alpha_, np.float64))


def _covariance(emitter: Emitter, kernel: Any, block: Block, rows: Float64) -> Block:
    graph = emitter.graph
    match type(kernel).__name__:
        case "Sum" | "Product" as kind:
            left, right = (_covariance(emitter, side, block, rows) for side in (kernel.k1, kernel.k2))
            return graph.each("Add" if kind == "Sum" else "Mul", left, right.tensor)
        case "ConstantKernel":
            return graph.repeated(np.full(len(rows), float(kernel.constant_value)), block)
        case "WhiteKernel":
            # Noise is not shared by two rows, however alike.
            return graph.repeated(np.zeros(len(rows)), block)
        case "RBF":
            length = np.broadcast_to(np.asarray(kernel.length_scale, np.float64), (rows.shape[1],))
            apart = _apart(emitter, graph.by_row("Div", block, length), rows / length)
            return graph.each("Exp", graph.by_row("Mul", apart, -0.5))
        case _:  # RationalQuadratic, the last of those that are on the list
            apart = _apart(emitter, block, rows)
            base = graph.by_row("Div", apart, 2.0 * kernel.alpha * kernel.length_scale**2)
            return graph.each("Pow", graph.by_row("Add", base, 1.0), -float(kernel.alpha))


def _apart(emitter: Emitter, block: Block, rows: Float64) -> Block:
    """Write squared distances column by column: a short length scale makes the expanded form cancel."""
    graph = emitter.graph
    total = ""
    for column, values in enumerate(rows.T):
        apart = graph.op("Sub", graph.select(block, [column]).tensor, np.ascontiguousarray(values)[None, :])
        square = graph.op("Mul", apart, apart)
        total = graph.op("Add", total, square) if total else square
    return Block(total, len(rows))


def isotonic(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write isotonic regression: straight lines between its points.

    Raises:
        NotConvertibleError: it has no number for a value beyond the points.
    """
    if model.out_of_bounds != "clip":
        raise emitter.refusal(
            model, f"has no answer beyond its points with out_of_bounds={model.out_of_bounds!r}", "set it to 'clip'"
        )
    points = np.asarray(model.X_thresholds_, np.float64), np.asarray(model.y_thresholds_, np.float64)
    return interpolate(emitter.graph, block, [points])


def one_class_line(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write a linear one-class machine's decision function."""
    return emitter.graph.product(block, np.asarray(model.coef_).reshape(1, -1).T, -np.asarray(model.offset_))


def envelope(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write the decision function of an elliptic envelope: minus the squared Mahalanobis distance, and the offset."""
    graph = emitter.graph
    moved = graph.by_row("Sub", block, model.location_)
    turned = graph.product(moved, model.get_precision(), 0.0)
    distance = graph.total(graph.each("Mul", turned, moved.tensor))
    return Block(graph.op("Sub", -float(model.offset_), distance), 1)


def _weighted(emitter: Emitter, near: Block, weights: Float64) -> Block:
    """Sum with weights, without a MatMul: what scales the answer afterwards would be fused with it (Graph.product)."""
    return Block(emitter.graph.row_sum(emitter.graph.op("Mul", near.tensor, weights[None, :])), 1)


RULES: Mapping[str, BlockRule] = {
    "FactorAnalysis": factors,
    "FastICA": independent_components,
    "GaussianRandomProjection": projected,
    "SparseRandomProjection": projected,
    "NeighborhoodComponentsAnalysis": projected,
    "FeatureAgglomeration": agglomerated,
    "KernelPCA": kernel_components,
    "Nystroem": nystroem,
    "RBFSampler": random_waves,
}
"""Class name of a transformer -> how it is written."""

ANSWERS: Mapping[str, BlockRule] = {
    "GaussianProcessRegressor": gaussian_process,
    "KernelRidge": kernel_ridge,
    "IsotonicRegression": isotonic,
    "SGDOneClassSVM": one_class_line,
    "EllipticEnvelope": envelope,
}
"""Class name of an estimator -> how its values are written."""
