"""Reconstruction: what a product reads and what it gives in; fewer inputs and weights that give nearly the same out.

The weights are those of least squares on the rows; where rows do not tell, they stay what they were. The inputs that go
are those whose loss the others make up for best: leaving a group g of inputs out adds ``tr(w_g' [(H'H)^-1]_gg^-1 w_g)``
to the squared error, where w are the weights of least squares (the "optimal brain surgeon" of Hassibi and Stork, 1993,
for groups of weights).
"""

import msgspec
import numpy as np

from golive.ports import Float64, Int64

RIDGE = 1e-4
"""What leaving the old weights costs, as a share of the mean square of the inputs."""
_WORK = 2e10
_MOST_ROUNDS = 32


class Fitted(msgspec.Struct, frozen=True, eq=False):
    """A product with fewer inputs."""

    kept: Int64
    """The groups that stay, in order."""
    weight: Float64
    """``[inputs of the kept groups, outputs]``."""
    offset: Float64
    """``[outputs]``."""


def reconstructed(inputs: Float64, outputs: Float64, owners: Int64, weight: Float64, keep: int) -> Fitted:
    """Choose groups of inputs and the weights that give the outputs from them.

    Args:
        inputs: ``[rows, inputs]``, what the product reads.
        outputs: ``[rows, outputs]``, what it is to give, its offset included.
        owners: ``[inputs]``, the group of each input; all groups are of one size.
        weight: ``[inputs, outputs]``, the product's own.
        keep: how many groups stay.
    """
    rows = np.column_stack([inputs, np.ones(len(inputs))])
    square, cross = rows.T @ rows / len(rows), rows.T @ outputs / len(rows)
    ridge = RIDGE * np.trace(square) / len(square)
    square[np.diag_indices(len(weight))] += ridge
    cross[:-1] += ridge * weight
    groups = _places(owners)
    left = np.arange(len(groups))
    rounds = int(np.clip(_WORK / len(square) ** 3, 1, _MOST_ROUNDS))
    for count in np.linspace(len(groups), keep, rounds + 1).round().astype(int)[1:]:
        scores = _scores(square, cross, groups[left])
        left = np.sort(left[np.argsort(scores, kind="stable")[len(left) - count :]])
    places = np.append(np.sort(groups[left].reshape(-1)), len(square) - 1)
    solved = np.linalg.solve(square[np.ix_(places, places)], cross[places])
    return Fitted(left, solved[:-1], solved[-1])


def _places(owners: Int64) -> Int64:
    """Give the inputs of each group, ``[groups, size]``."""
    return np.argsort(owners, kind="stable").reshape(int(owners.max()) + 1, -1)


def _scores(square: Float64, cross: Float64, groups: Int64) -> Float64:
    """Say how much squared error each group would add if it went and the others were fitted again."""
    places = np.append(groups.reshape(-1), len(square) - 1)
    inverse = np.linalg.inv(square[np.ix_(places, places)])
    weights = inverse @ cross[places]
    local = np.arange(groups.size).reshape(groups.shape)
    blocks = inverse[local[:, :, None], local[:, None, :]]
    own = weights[local]
    return np.asarray((own * np.linalg.solve(blocks, own)).sum(axis=(1, 2)))
