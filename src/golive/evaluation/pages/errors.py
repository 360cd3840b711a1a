"""Errors: the chapter that shows where the largest errors are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.domain.evidence import Evidence
from golive.evaluation.numbers import number
from golive.evaluation.pages import plots
from golive.evaluation.pages.chapter import Chapter, Drawn
from golive.evaluation.pages.figures import narrow
from golive.evaluation.pages.markup import Markup, tag
from golive.evaluation.pages.phrases import Say
from golive.evaluation.pages.plots import Band


def errors(evidence: Evidence, say: Say) -> Chapter | None:
    """Draw the error by decile of the prediction, and list the rows with the largest errors."""
    details = evidence.details
    drawn = (_deciles(details["deciles"], say),) if details.get("deciles") else ()
    worst = (tag("h3", say("worst")), _worst(details, say)) if details.get("worst") else ()
    return Chapter(name="errors", title=say("errors"), drawn=drawn, parts=worst) if drawn or worst else None


def _deciles(deciles: Sequence[Mapping[str, Any]], say: Say) -> Drawn:
    heights = np.asarray([part["mae"] for part in deciles], dtype=np.float64)
    alt = say("alt.deciles", first=number(float(heights[0])), last=number(float(heights[-1])))
    labels = (say("axis.decile"), say("axis.mae"))
    if all(part.get("lower") is not None and part.get("upper") is not None for part in deciles):
        lower, upper = ([float(part[key]) for part in deciles] for key in ("lower", "upper"))
        curve = Band(list(range(1, len(deciles) + 1)), heights.tolist(), lower, upper)
        plot = plots.bands([curve], labels=labels, alt=alt, name="deciles")
        return Drawn(caption=say("plot.deciles"), plot=plot, about=say("bands.about"))
    return Drawn(caption=say("plot.deciles"), plot=plots.bars(heights, labels=labels, alt=alt, name="deciles"))


def _worst(details: Mapping[str, Any], say: Say) -> Markup:
    worst: Sequence[Mapping[str, Any]] = details["worst"]
    rows: list[tuple[object, ...]]
    if "scatter" in details:
        heads = [say(key) for key in ("row", "axis.actual", "axis.predicted", "residual")]
        values = [(row["row"], row["truth"], row["predicted"], row["predicted"] - row["truth"]) for row in worst]
        rows = [tuple(Markup(number(value)) for value in row) for row in values]
    else:
        heads = [say(key) for key in ("class", "row", "probability")]
        rows = [(row["truth"], Markup(number(row["row"])), Markup(number(row["probability"], 4))) for row in worst]
    return narrow(heads, rows, numeric_first="scatter" in details)
