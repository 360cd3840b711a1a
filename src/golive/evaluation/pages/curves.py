"""Curves: the chapter that shows how the answers stand to the truth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.domain.evidence import Evidence
from golive.evaluation.numbers import finest, number
from golive.evaluation.pages import plots
from golive.evaluation.pages.chapter import Chapter, Drawn
from golive.evaluation.pages.drawing import COLORS
from golive.evaluation.pages.figures import cut, narrow
from golive.evaluation.pages.markup import Markup, join, tag
from golive.evaluation.pages.phrases import Say, together
from golive.evaluation.pages.plots import Band

_WIDEST_MATRIX = 20
_DRAWN_SCORES = 4
_BY_CLASS = ("precision", "recall", "f1", "auc", "pr_auc")
_CHANCE = ([0.0, 1.0], [0.0, 1.0])

Details = Mapping[str, Any]


def curves(evidence: Evidence, say: Say) -> Chapter | None:
    """Draw confusion, ROC, precision and recall, calibration and scores; of a regression, answers and residuals."""
    details = evidence.details
    if "scatter" in details:
        return Chapter(name="curves", title=say("plots"), drawn=(_predicted(details, say), _residuals(details, say)))
    if "confusion" not in details:
        return None
    makers = (_confusion, _ranked, _calibration, _thresholds, _scores)
    drawn = tuple(one for maker in makers for one in maker(details, say))
    parts: list[Markup] = [] if len(details["classes"]) <= _WIDEST_MATRIX else [_too_wide(details, say)]
    if details.get("confused"):
        parts += [tag("h3", say("confused")), _confused(details, say)]
    if details.get("per_class"):
        parts += [tag("h3", say("per_class")), _class_table(details, say)]
    return Chapter(name="curves", title=say("plots"), drawn=drawn, parts=tuple(parts))


def _predicted(details: Details, say: Say) -> Drawn:
    truth, predicted = (np.asarray(details["scatter"][key], dtype=np.float64) for key in ("truth", "predicted"))
    with np.errstate(over="ignore"):
        rmse = float(np.sqrt(np.mean((predicted - truth) ** 2)))
    plot = plots.scatter(
        truth,
        predicted,
        labels=(say("axis.actual"), say("axis.predicted")),
        diagonal=True,
        alt=say("alt.predicted", rows=len(truth), rmse=number(rmse)),
        name="predicted",
    )
    return Drawn(caption=say("plot.predicted"), plot=plot)


def _residuals(details: Details, say: Say) -> Drawn:
    truth, predicted = (np.asarray(details["scatter"][key], dtype=np.float64) for key in ("truth", "predicted"))
    plot = plots.scatter(
        predicted,
        predicted - truth,
        labels=(say("axis.predicted"), say("axis.residual")),
        diagonal=False,
        alt=say("alt.residuals", rows=len(truth)),
        name="residuals",
    )
    return Drawn(caption=say("plot.residuals"), plot=plot)


def _confusion(details: Details, say: Say) -> list[Drawn]:
    classes: Sequence[str] = details["classes"]
    if len(classes) > _WIDEST_MATRIX:
        return []
    counts = np.asarray(details["confusion"])
    head = tag("tr", tag("td"), *(tag("th", label, scope="col") for label in classes))
    rows = [
        tag("tr", tag("th", label, scope="row"), *(_cell(int(count), int(line.sum())) for count in line))
        for label, line in zip(classes, counts, strict=True)
    ]
    about = [say("confusion.about")]
    if details.get("threshold") is not None:
        about.append(say("confusion.threshold", label=classes[1], threshold=number(details["threshold"])))
    right = int(np.trace(counts))
    plot = plots.matrix(
        counts,
        classes,
        labels=(say("axis.decided"), say("axis.class")),
        alt=say("alt.confusion", right=number(right), rows=number(int(counts.sum()))),
        name="confusion",
    )
    shown = tag("div", tag("table", tag("thead", head), tag("tbody", *rows), kind="confusion"), kind="wide")
    return [Drawn(caption=say("plot.confusion"), plot=plot, about=together(say, *about), page=shown)]


def _cell(count: int, row: int) -> Markup:
    share = count / row if row else 0.0
    tint = f"background: color-mix(in srgb, var(--c0) {round(8 + 62 * share)}%, var(--paper))"
    return tag("td", number(count), tag("small", f"{share:.1%}"), style=tint)


def _too_wide(details: Details, say: Say) -> Markup:
    return tag("p", say("confusion.many", count=len(details["classes"])), kind="quiet")


def _band(curve: Mapping[str, Any]) -> Band:
    return Band(curve["x"], curve["y"], curve.get("lower"), curve.get("upper"))


def _ranked(details: Details, say: Say) -> list[Drawn]:
    found: Sequence[Mapping[str, Any]] = details["curves"]
    if not found:
        return []
    areas = [_area(curve, details, say) for curve in found]
    roc = plots.bands(
        [_band(curve["roc"]) for curve in found],
        labels=(say("axis.fpr"), say("axis.tpr")),
        reference=_CHANCE,
        unit=True,
        alt=say("alt.roc", areas=say("comma").join(areas)),
        name="roc",
    )
    share = found[0]["share"]
    precision = plots.bands(
        [_band(curve["precision_recall"]) for curve in found],
        labels=(say("axis.recall"), say("axis.precision")),
        reference=([0.0, 1.0], [share, share]) if len(found) == 1 else None,
        unit=True,
        alt=say("alt.pr", labels=say("comma").join(curve["label"] for curve in found)),
        name="precision-recall",
    )
    banded = say("bands.about") if any("lower" in curve["roc"] for curve in found) else ""
    colors = [f"--c{place % COLORS}" for place in range(len(found))]
    with_area = tuple(zip(colors, areas, strict=True))
    plain = tuple((color, curve["label"]) for color, curve in zip(colors, found, strict=True))
    return [
        Drawn(caption=say("plot.roc"), plot=roc, legend=with_area, about=banded),
        Drawn(caption=say("plot.pr"), plot=precision, legend=plain, about=banded),
    ]


def _area(curve: Mapping[str, Any], details: Details, say: Say) -> str:
    label, area = curve["label"], number(curve["auc"], 3)
    rows: Sequence[Mapping[str, Any]] = details.get("per_class", ())
    bounds = next((row.get("intervals", {}).get("auc") for row in rows if row["label"] == label), None)
    if not bounds:
        return say("area.of", label=label, area=area)
    return say("area.bounded", label=label, area=area, interval=f"{number(bounds[0], 3)} … {number(bounds[1], 3)}")


def _calibration(details: Details, say: Say) -> list[Drawn]:
    bins: Sequence[Mapping[str, float]] = details["calibration"]
    if not bins:
        return []
    stated, observed, lower, upper = (
        np.asarray([part[key] for part in bins], dtype=np.float64) for key in ("stated", "observed", "lower", "upper")
    )
    plot = plots.calibration(
        stated,
        observed,
        lower,
        upper,
        labels=(say("axis.stated"), say("axis.observed")),
        alt=say("alt.calibration", bins=len(bins)),
        name="calibration",
    )
    return [Drawn(caption=say("plot.calibration"), plot=plot)]


def _scores(details: Details, say: Say) -> list[Drawn]:
    return [
        Drawn(
            caption=f"{say('plot.scores')}{say('colon')}{part['label']}",
            plot=plots.two_histograms(
                part["positive"],
                part["other"],
                labels=(say("axis.stated"), say("axis.rows")),
                alt=say("alt.scores", label=part["label"]),
                name=f"scores-{place}",
            ),
            legend=(("--c0", part["label"]), ("--c1", say("scores.other"))),
        )
        for place, part in enumerate(details["scores"][:_DRAWN_SCORES])
    ]


def _thresholds(details: Details, say: Say) -> list[Drawn]:
    found: Mapping[str, Any] = details.get("thresholds") or {}
    if not found.get("threshold"):
        return []
    at, cost = found["threshold"], found["cost"]
    chosen, best = found["chosen"], found["best"]
    places = [int(np.argmin(np.abs(np.asarray(at) - one))) for one in (chosen, best)]
    plot = plots.bands(
        [Band(at, cost, found.get("lower"), found.get("upper"))],
        labels=(say("axis.threshold"), say("axis.cost")),
        reference=([chosen, chosen], [min(cost), max(cost)]),
        alt=say(
            "alt.thresholds",
            chosen=number(chosen),
            cost=number(cost[places[0]]),
            best=number(best),
            least=number(cost[places[1]]),
        ),
        name="thresholds",
    )
    about = (
        _costs(found, say),
        say("thresholds.chosen", chosen=number(chosen), best=number(float(f"{best:.2g}"))),
        _saving(found, say),
    )
    drawn = [Drawn(caption=say("plot.thresholds"), plot=plot, about=together(say, *about))]
    return [*drawn, _tradeoff(details, say)] if found.get("precision") else drawn


def _tradeoff(details: Details, say: Say) -> Drawn:
    found = details["thresholds"]
    kept = [key for key in ("precision", "recall", "selected") if found.get(key)]
    curves = [
        Band(found["threshold"], [float("nan") if value is None else value for value in found[key]]) for key in kept
    ]
    words = {"precision": "metric.precision", "recall": "metric.recall", "selected": "thresholds.selected"}
    plot = plots.bands(
        curves,
        labels=(say("axis.threshold"), say("axis.share")),
        reference=([found["chosen"]] * 2, [0.0, 1.0]),
        unit=True,
        alt=say("alt.tradeoff", label=details["classes"][1]),
        name="tradeoff",
    )
    legend = tuple((f"--c{place}", say(words[key])) for place, key in enumerate(kept))
    return Drawn(caption=say("plot.tradeoff"), plot=plot, legend=legend)


def _costs(found: Mapping[str, Any], say: Say) -> str:
    costs = found.get("costs") or {}
    if not found.get("declared") or not costs:
        return say("thresholds.plain")
    positive, negative = (number(costs[key]) for key in ("false_positive", "false_negative"))
    unit = f" {found['unit']}" if found.get("unit") else ""
    return say("thresholds.declared", positive=positive, negative=negative, unit=unit)


def _saving(found: Mapping[str, Any], say: Say) -> str:
    saving = found.get("saving") or {}
    if saving.get("value") is None:
        return say("thresholds.choose")
    bounds = (saving["lower"], saving["upper"])
    decimals = finest(*bounds)
    value, lower, upper = (number(one, decimals) for one in (saving["value"], *bounds))
    key = "thresholds.saving" if saving["lower"] > 0 else "thresholds.nothing"
    return say(key, saving=value, lower=lower, upper=upper)


def _class_table(details: Details, say: Say) -> Markup:
    rows: Sequence[Mapping[str, Any]] = details["per_class"]
    names = [name for name in _BY_CLASS if any(row.get(name) is not None for row in rows)]
    heads = (say("class"), *(say(f"metric.{name}") for name in names), say("rows"))
    averages: Mapping[str, Mapping[str, float]] = details.get("averages", {})
    written = [
        (say(f"average.{kind}"), *(_class_cell(average, name) for name in names), Markup())
        for kind, average in averages.items()
    ]
    written += [
        (row["label"], *(_class_cell(row, name) for name in names), Markup(number(row["rows"]))) for row in rows
    ]
    return cut(heads, written, say)


def _class_cell(row: Mapping[str, Any], name: str) -> Markup:
    if row.get(name) is None:
        return Markup("–")
    bounds = row.get("intervals", {}).get(name)
    interval = tag("small", f"{number(bounds[0], 3)} … {number(bounds[1], 3)}") if bounds else Markup()
    return join(number(row[name], 3), interval)


def _confused(details: Details, say: Say) -> Markup:
    heads = (say("axis.class"), say("axis.decided"), say("rows"))
    rows = [(pair["truth"], pair["decided"], Markup(number(pair["rows"]))) for pair in details["confused"]]
    return narrow(heads, rows)
