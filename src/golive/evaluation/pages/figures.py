"""Figures: the details of an Evidence in, captioned plots and tables out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.evaluation.pages import plots
from golive.evaluation.pages.drawing import COLORS, Plot, svg
from golive.evaluation.pages.markup import Markup, tag
from golive.evaluation.pages.numbers import number
from golive.evaluation.pages.phrases import Say

_WIDEST_MATRIX = 20
_TWO = 2
_CHANCE = ([0.0, 1.0], [0.0, 1.0])


def figures(details: Mapping[str, Any], say: Say) -> Markup:
    """Draw what the details hold; empty when nothing was measured."""
    if "scatter" in details:
        drawn = [_predicted(details, say), _residuals(details, say), _deciles(details, say)]
    elif "confusion" in details:
        drawn = [_confusion(details, say), *_curves(details, say), _calibration(details, say), *_scores(details, say)]
    else:
        return Markup()
    return tag("div", *drawn, kind="plots")


def class_table(details: Mapping[str, Any], say: Say) -> Markup:
    """Write precision, recall and F1 of every class."""
    heads = (say("class"), say("metric.precision"), say("metric.recall"), say("metric.f1"), say("rows"))
    rows = [
        (
            row["label"],
            *(Markup(number(row[key], 3)) for key in ("precision", "recall", "f1")),
            Markup(number(row["rows"])),
        )
        for row in details["per_class"]
    ]
    return tag("div", table(heads, rows), kind="narrow")


def worst_table(details: Mapping[str, Any], say: Say) -> Markup:
    """Write the rows with the largest errors."""
    worst: Sequence[Mapping[str, Any]] = details.get("worst", ())
    rows: list[tuple[object, ...]]
    if "scatter" in details:
        heads = [say(key) for key in ("row", "axis.actual", "axis.predicted", "residual")]
        values = [(row["row"], row["truth"], row["predicted"], row["predicted"] - row["truth"]) for row in worst]
        rows = [tuple(Markup(number(value)) for value in row) for row in values]
    else:
        heads = [say(key) for key in ("class", "row", "probability")]
        rows = [(row["truth"], Markup(number(row["row"])), Markup(number(row["probability"], 4))) for row in worst]
    return tag("div", table(heads, rows, numeric_first="scatter" in details), kind="narrow")


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], *, numeric_first: bool = False) -> Markup:
    """Write a table; cells that are Markup are numbers and stand at the right, others are text from data."""
    numeric = [index for index in range(len(heads)) if rows and isinstance(rows[0][index], Markup)]
    if not numeric_first:
        numeric = [index for index in numeric if index]
    head = tag("tr", *(tag("th", text, kind="n" if i in numeric else None) for i, text in enumerate(heads)))
    body = (
        tag("tr", *(tag("td", cell, kind="n" if i in numeric else None) for i, cell in enumerate(row))) for row in rows
    )
    return tag("div", tag("table", tag("thead", head), tag("tbody", *body)), kind="wide")


def _figure(caption: str, *parts: object) -> Markup:
    return tag("figure", tag("figcaption", caption), *(svg(part) if isinstance(part, Plot) else part for part in parts))


def _legend(entries: Sequence[tuple[str, str]]) -> Markup:
    swatches = (tag("li", tag("i", style=f"background: var({color})"), text) for color, text in entries)
    return tag("ul", *swatches, kind="legend")


def _predicted(details: Mapping[str, Any], say: Say) -> Markup:
    truth, predicted = (np.asarray(details["scatter"][key]) for key in ("truth", "predicted"))
    with np.errstate(over="ignore"):
        rmse = float(np.sqrt(np.mean((predicted - truth) ** 2)))
    alt = say("alt.predicted", rows=len(truth), rmse=number(rmse))
    labels = (say("axis.actual"), say("axis.predicted"))
    drawn = plots.scatter(truth, predicted, labels=labels, diagonal=True, alt=alt, name="predicted")
    return _figure(say("plot.predicted"), drawn)


def _residuals(details: Mapping[str, Any], say: Say) -> Markup:
    truth, predicted = (np.asarray(details["scatter"][key]) for key in ("truth", "predicted"))
    labels = (say("axis.predicted"), say("axis.residual"))
    alt = say("alt.residuals", rows=len(truth))
    drawn = plots.scatter(predicted, predicted - truth, labels=labels, diagonal=False, alt=alt, name="residuals")
    return _figure(say("plot.residuals"), drawn)


def _deciles(details: Mapping[str, Any], say: Say) -> Markup:
    heights = np.asarray([part["mae"] for part in details["deciles"]], dtype=np.float64)
    alt = say("alt.deciles", first=number(float(heights[0])), last=number(float(heights[-1])))
    labels = (say("axis.decile"), say("axis.mae"))
    return _figure(say("plot.deciles"), plots.bars(heights, labels=labels, alt=alt, name="deciles"))


def _confusion(details: Mapping[str, Any], say: Say) -> Markup:
    classes: Sequence[str] = details["classes"]
    if len(classes) > _WIDEST_MATRIX:
        return _figure(say("plot.confusion"), tag("p", say("confusion.many", count=len(classes)), kind="quiet"))
    counts = np.asarray(details["confusion"])
    head = tag("tr", tag("th"), *(tag("th", label, scope="col") for label in classes))
    rows = [
        tag("tr", tag("th", label, scope="row"), *(_cell(int(count), int(line.sum())) for count in line))
        for label, line in zip(classes, counts, strict=True)
    ]
    about = [say("confusion.about")]
    if details.get("threshold") is not None:
        about.append(say("confusion.threshold", label=classes[1], threshold=number(details["threshold"])))
    matrix = tag("div", tag("table", tag("thead", head), tag("tbody", *rows), kind="confusion"), kind="wide")
    return _figure(say("plot.confusion"), matrix, tag("p", " ".join(about), kind="quiet"))


def _cell(count: int, row: int) -> Markup:
    share = count / row if row else 0.0
    tint = f"background: color-mix(in srgb, var(--c0) {round(8 + 62 * share)}%, var(--paper))"
    return tag("td", number(count), tag("small", f"{share:.1%}"), style=tint)


def _curves(details: Mapping[str, Any], say: Say) -> list[Markup]:
    curves: Sequence[Mapping[str, Any]] = details["curves"]
    if not curves:
        return []
    areas = [f"{curve['label']} {number(curve['auc'], 3)}" for curve in curves]
    roc = plots.lines(
        [(curve["roc"]["x"], curve["roc"]["y"]) for curve in curves],
        labels=(say("axis.fpr"), say("axis.tpr")),
        reference=_CHANCE,
        alt=say("alt.roc", areas=", ".join(areas)),
        name="roc",
    )
    share = curves[0]["share"]
    precision = plots.lines(
        [(curve["precision_recall"]["x"], curve["precision_recall"]["y"]) for curve in curves],
        labels=(say("axis.recall"), say("axis.precision")),
        reference=([0.0, 1.0], [share, share]) if len(curves) == 1 else None,
        alt=say("alt.pr", labels=", ".join(curve["label"] for curve in curves)),
        name="precision-recall",
    )
    labels = [(f"--c{place % COLORS}", text) for place, text in enumerate(areas)]
    plain = [(color, curve["label"]) for (color, _), curve in zip(labels, curves, strict=True)]
    return [
        _figure(say("plot.roc"), roc, _legend([(color, f"{text} (AUC)") for color, text in labels])),
        _figure(say("plot.pr"), precision, _legend(plain)),
    ]


def _calibration(details: Mapping[str, Any], say: Say) -> Markup:
    bins: Sequence[Mapping[str, float]] = details["calibration"]
    columns = (np.asarray([part[key] for part in bins]) for key in ("stated", "observed", "lower", "upper"))
    labels = (say("axis.stated"), say("axis.observed"))
    alt = say("alt.calibration", bins=len(bins))
    return _figure(say("plot.calibration"), plots.calibration(*columns, labels=labels, alt=alt, name="calibration"))


def _scores(details: Mapping[str, Any], say: Say) -> list[Markup]:
    return [
        _figure(
            f"{say('plot.scores')}: {part['label']}",
            plots.two_histograms(
                part["positive"],
                part["other"],
                labels=(say("axis.stated"), say("axis.rows")),
                alt=say("alt.scores", label=part["label"]),
                name=f"scores-{place}",
            ),
            _legend([("--c0", part["label"]), ("--c1", say("scores.other"))]),
        )
        for place, part in enumerate(details["scores"][:4])
    ]
