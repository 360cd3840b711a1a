"""Outputs: of a model that predicts several numbers a row, how far off each of them is."""

from collections.abc import Sequence

import numpy as np

from golive.domain.evidence import Measure
from golive.evaluation.stress.scores import Answered, score
from golive.ports import Float64, Int64
from golive.statistics.intervals import mean_interval

_SHOWN = 20
_METRICS = (("rmse", "lower"), ("mae", "lower"), ("r2", "higher"))


def output_measures(truth: Float64, answers: Float64, places: Int64) -> list[Measure]:
    """Give ``output.PLACE.rmse``, ``.mae`` and ``.r2`` of the first twenty, with intervals by the delta method.

    ``truth`` and ``answers`` are ``[n, outputs]``; a row counts for an output where both are numbers.
    """
    found: list[Measure] = []
    for column, place in enumerate(places[:_SHOWN].tolist()):
        usable = np.isfinite(truth[:, column]) & np.isfinite(answers[:, column])
        rows = Answered(
            task="regression", truth=truth[usable, column], answers=answers[usable, column, None], threshold=0.5
        )
        found += _of_one(place, rows)
    return found


def _of_one(place: int, rows: Answered) -> Sequence[Measure]:
    found = []
    for name, better in _METRICS:
        scored = score(name, rows)
        if not np.isfinite(scored.value):
            continue
        around = None if scored.influence is None else mean_interval(scored.influence)
        half = (around[1] - around[0]) / 2 if around else 0.0
        found.append(
            Measure(
                name=f"output.{place}.{name}",
                value=scored.value,
                lower=scored.value - half if around else None,
                upper=scored.value + half if around else None,
                rows=len(rows.truth),
                method="delta method" if around else "",
                better="higher" if better == "higher" else "lower",
            )
        )
    return found
