"""Neighbors: the nearest cluster's center; the nearest training rows are refused, because ties decide there."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from golive.adapters.frameworks.emitter import BlockRule, Emitter
from golive.adapters.frameworks.graph import Block


def nearest_center(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write k-means: 1 for the cluster with the nearest center, 0 for the others; the first one at a tie.

    The squared norm of the row is the same for every center and left out, as scikit-learn does.
    """
    graph = emitter.graph
    centers = np.asarray(model.cluster_centers_, np.float64)
    if model.cluster_centers_.dtype != np.float64:
        raise emitter.refusal(model, "was fitted on float32 numbers", "fit it on float64")
    nearness = graph.product(block, 2.0 * centers.T, -np.sum(centers**2, axis=1))
    nearest = graph.op("ArgMax", nearness.tensor, axis=1, keepdims=0)
    return Block(graph.op("Gather", np.eye(len(centers)), nearest, axis=0), len(centers))


def nearest_rows(emitter: Emitter, model: Any, block: Block) -> Block:
    """Refuse what reads the nearest training rows.

    Raises:
        NotConvertibleError: always.
    """
    del block
    raise emitter.refusal(
        model,
        "has no exact form in the graph: which of several equally near training rows count is decided by the order "
        "in which its search meets them",
        "use an SVC with an rbf kernel or a forest, or serve it in the isolated Python runtime",
    )


ANSWERS: Mapping[str, BlockRule] = {
    "KMeans": nearest_center,
    "MiniBatchKMeans": nearest_center,
    "MeanShift": nearest_center,
    **dict.fromkeys(
        (
            "KNeighborsClassifier",
            "KNeighborsRegressor",
            "RadiusNeighborsClassifier",
            "RadiusNeighborsRegressor",
            "LocalOutlierFactor",
        ),
        nearest_rows,
    ),
}
"""Class name of an estimator -> how it is written, or why it is not."""
