"""Regressed: errors of each group and the gaps between groups, of answers that are numbers."""

from typing import Any

import numpy as np

from golive.evaluation.groups.gaps import LEAST_ROWS, MEANS, Gap, comparable, gap, interval
from golive.evaluation.groups.membership import Grouping
from golive.ports import Float64
from golive.statistics.clusters import cell_means
from golive.statistics.groups import Extremes, Means, level_ratio, mean_difference
from golive.statistics.intervals import mean_interval, rmse_interval
from golive.statistics.metrics import Bool


def error_rows(truth: Float64, predicted: Float64, grouping: Grouping) -> list[dict[str, Any]]:
    """Give mean error (predicted minus true), RMSE and mean prediction of every group, each with its interval."""
    found = []
    for place, name in enumerate(grouping.names):
        inside = grouping.codes == place
        errors, given, true = predicted[inside] - truth[inside], predicted[inside], truth[inside]
        whole = None if grouping.whole is None else grouping.whole[inside]
        found.append(
            {
                "name": name,
                "rows": len(errors),
                "few": len(errors) < LEAST_ROWS,
                "compared": grouping.people[place] and len(errors) >= LEAST_ROWS,
                "mean_error": interval(float(errors.mean()), mean_interval(errors, whole)),
                "rmse": interval(float(np.sqrt(np.mean(errors**2))), rmse_interval(errors, whole)),
                "mean_prediction": interval(float(given.mean()), mean_interval(given, whole)),
                "mean_truth": interval(float(true.mean()), mean_interval(true, whole)),
            }
        )
    return found


def error_gaps(truth: Float64, predicted: Float64, grouping: Grouping) -> list[Gap]:
    """Compare mean errors (greatest minus smallest) and RMSE (smallest over greatest) of groups with enough rows."""
    errors, enough = predicted - truth, comparable(grouping)
    biases, squares = means_by_group(errors, grouping), means_by_group(errors**2, grouping)
    levels = np.sqrt(squares.values)
    with np.errstate(divide="ignore", invalid="ignore"):
        # The root moves by 1 / (2 root) of what its square moves.
        spread = squares.variances / (4 * squares.values)

    def bias(some: Bool) -> Extremes:
        return mean_difference(chosen_means(biases, some))

    def level(some: Bool) -> Extremes | None:
        return level_ratio(Means(values=levels[some], variances=spread[some], rows=squares.rows[some]))

    found = (
        gap("error_difference", grouping, enough, biases.values, bias, method=MEANS),
        gap(
            "rmse_ratio", grouping, enough, levels, level, method="delta intervals, all pairs at once", better="higher"
        ),
    )
    return [one for one in found if one is not None]


def means_by_group(values: Float64, grouping: Grouping) -> Means:
    """Give the mean of a value ``[n]`` in every group; a group of one row has a variance of 0."""
    found = cell_means(values, grouping.codes, len(grouping.names), grouping.whole)
    return Means(values=found.values, variances=found.variances, rows=np.maximum(found.units, 2))


def chosen_means(means: Means, some: Bool) -> Means:
    """Give the means of some of the groups."""
    return Means(values=means.values[some], variances=means.variances[some], rows=means.rows[some])
