"""Fewer trees: the first stages of a boosting, or those trees of a forest whose mean is nearest to the whole."""

from collections.abc import Iterator

import numpy as np

from golive.adapters.optimizers.compact_trees import compacted
from golive.adapters.optimizers.ensembles import each_alone, find, keep, shares_of, stages
from golive.adapters.optimizers.surgery import Surgery, run, some_rows
from golive.ports import Candidate, Float64, Subject

SHARES = (1 / 2, 1 / 4, 3 / 4, 1 / 8, 1 / 16)
"""Of the trees that are kept, tried in this order."""
LEAST_TREES = 4
_MOST_CELLS = 20_000_000


class FewerTreesOptimizer:
    """Offers tree ensembles with a part of their trees; each tree that stays decides as it did."""

    name = "fewer_trees"
    effort_s = 1.0

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give ensembles with a half, a quarter and so on of the trees; none for graphs without trees."""
        found = find(Surgery(subject.graph))
        if found is None or found.ensemble.trees < LEAST_TREES:
            return
        total = found.ensemble.trees
        if found.divide is not None:
            order, size = nearest_to_the_whole(subject, round(total * max(SHARES))), 1
        else:
            order, size = list(range(total)), stages(found)
        base = compacted(subject.graph) or subject.graph
        for share in SHARES if size else ():
            count = max(round(total * share / size), 1) * size
            if count < total and count <= len(order):
                yield Candidate(name=f"{count} of {total} trees", graph=keep(base, order[:count]))


def nearest_to_the_whole(subject: Subject, count: int) -> list[int]:
    """Choose trees one after the other so that the mean of those chosen stays nearest to the mean of all.

    Nearness is the squared difference on the subject's rows. A later choice contains the earlier ones.
    """
    graph, output, table = each_alone(subject.graph)
    width = 1 if table is None else table.shape[1]
    found = find(Surgery(subject.graph))
    trees = found.ensemble.trees if found else 1
    chosen = some_rows(subject, max(_MOST_CELLS // (trees * width), 1))
    [said] = run(graph, [output], subject.numbers[chosen], subject.codes[chosen])
    shares = shares_of(said, table)
    return _greedy(shares.transpose(1, 0, 2).reshape(trees, -1), count)


def _greedy(said: Float64, count: int) -> list[int]:
    """Order the rows ``[trees, values]`` so that each beginning has a mean near to that of all."""
    whole = said.mean(axis=0)
    products, with_whole = said @ said.T, said @ whole
    squares = np.diag(products).copy()
    order: list[int] = []
    total_square, total_whole, cross = 0.0, 0.0, np.zeros(len(said))
    for size in range(1, count + 1):
        errors = (total_square + 2 * cross + squares) / size**2 - 2 * (total_whole + with_whole) / size
        errors[order] = np.inf
        best = int(errors.argmin())
        order.append(best)
        total_square += float(2 * cross[best] + squares[best])
        total_whole += float(with_whole[best])
        cross += products[best]
    return order
