"""Explained: the chapter about what a model goes by."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.domain.evidence import Evidence
from golive.evaluation.numbers import alike, number, sent
from golive.evaluation.pages import plots
from golive.evaluation.pages.chapter import Chapter, Drawn
from golive.evaluation.pages.figures import narrow
from golive.evaluation.pages.markup import Markup, tag
from golive.evaluation.pages.phrases import Say, together
from golive.evaluation.pages.plots import Band

_SHOWN = 15


def explained(evidence: Evidence, say: Say) -> Chapter | None:
    """Draw importance, contributions to many rows and to single ones, and dependence; list the shuffled columns."""
    details: Mapping[str, Any] = evidence.details.get("explained", {})
    if not details:
        return None
    told = "method" in details
    about = _about(details, say) if told else say("explained.none")
    drawn = [_importance(details, say), *_swarm(details, say), *_told(details, say)] if told else []
    return Chapter(
        name="explained",
        title=say("explained"),
        about=about,
        drawn=(*drawn, *(_dependence(curve, place, say) for place, curve in enumerate(details["dependence"]))),
        parts=_shuffled(details.get("shuffled"), say),
    )


def _about(details: Mapping[str, Any], say: Say) -> str:
    parts = [
        say("explained.about", rows=number(details["rows"])),
        say(f"explained.method.{details['method']}"),
        say(f"explained.scale.{details['scale']}"),
        say("explained.error", error=number(details["error"])),
    ]
    if details["spread"] is not None:
        parts.append(say("explained.spread", spread=number(details["spread"])))
    return together(say, *parts)


def _importance(details: Mapping[str, Any], say: Say) -> Drawn:
    names, share = details["names"][:_SHOWN], details["share"][:_SHOWN]
    plot = plots.intervals(
        names,
        share,
        details["lower"][:_SHOWN],
        details["upper"][:_SHOWN],
        labels=(say("explained.axis.share"), ""),
        alt=say("explained.alt.importance", name=names[0], share=f"{share[0]:.0%}"),
        name="explained-importance",
    )
    left = details["columns"] - len(names)
    return Drawn(
        caption=say("explained.importance"),
        plot=plot,
        about=say("explained.left", count=number(left)) if left > 0 else "",
    )


def _swarm(details: Mapping[str, Any], say: Say) -> list[Drawn]:
    held = details["swarm"]
    if not held["names"]:
        return []
    plot = plots.swarm(
        held["names"],
        _numbers(held["values"]),
        _numbers(held["shades"]),
        labels=(say(f"explained.axis.{details['scale']}"), ""),
        alt=say("explained.alt.swarm", names=say("comma").join(held["names"])),
        name="explained-swarm",
    )
    return [Drawn(caption=say("explained.swarm"), plot=plot, about=say("explained.swarm.about"))]


def _told(details: Mapping[str, Any], say: Say) -> list[Drawn]:
    return [_waterfall(row, details["scale"], say) for row in details["told"]]


def _waterfall(row: Mapping[str, Any], scale: str, say: Say) -> Drawn:
    names = [f"{name} = {_cell(value)}" for name, value in zip(row["names"], row["values"], strict=True)]
    steps = list(row["contributions"])
    if row["others"]:
        names.append(say("explained.others", count=number(row["others"])))
        steps.append(row["rest"])
    axis = (
        say(f"explained.sum.{scale}")
        if row["output"] is None
        else f"{say(f'explained.sum.{scale}')}{say('colon')}{row['output']}"
    )
    plot = plots.waterfall(
        names,
        steps,
        base=row["base"],
        total=row["answer"],
        labels=(axis, ""),
        alt=say(
            "explained.alt.waterfall",
            row=number(row["row"]),
            base=number(row["base"]),
            answer=number(row["answer"]),
            name=row["names"][0] if row["names"] else "–",
        ),
        name=f"explained-{row['kind']}",
        ends=(say("explained.base"), say("explained.answer")),
    )
    truth = row["truth"] if isinstance(row["truth"], str) else number(row["truth"])
    about = say("explained.row", row=number(row["row"]), truth=truth, predicted=number(row["predicted"]))
    return Drawn(caption=say(f"explained.{row['kind']}"), plot=plot, about=about)


def _cell(value: Any) -> str:
    """Write a value as its column has it."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else sent(value).replace("-", "−")


def _dependence(curve: Mapping[str, Any], place: int, say: Say) -> Drawn:
    answer = (
        say("axis.predicted") if curve["output"] is None else f"{say('axis.stated')}{say('colon')}{curve['output']}"
    )
    alt = say(
        "explained.alt.dependence",
        name=curve["name"],
        low=number(min(curve["mean"])),
        high=number(max(curve["mean"])),
    )
    called, bounds = f"explained-dependence-{place}", (curve["mean"], curve["lower"], curve["upper"])
    if curve["is_text"]:
        plot = plots.intervals(
            [_cell(value) for value in curve["at"]], *bounds, labels=(answer, ""), alt=alt, name=called
        )
    else:
        # Evidence of before dates were drawn along time does not say which they are.
        dates = curve.get("is_date", False)
        band = Band(curve["at"], *bounds)
        plot = plots.bands([band], labels=(curve["name"], answer), alt=alt, name=called, dates=dates)
    return Drawn(
        caption=f"{say('explained.dependence')}{say('colon')}{curve['name']}",
        plot=plot,
        about="" if place else say("explained.dependence.about"),
    )


def _shuffled(held: Mapping[str, Any] | None, say: Say) -> tuple[Markup, ...]:
    if not held:
        return ()
    rows = [
        (name, *map(Markup, alike(value, lower, upper)))
        for name, value, lower, upper in zip(
            held["names"][:_SHOWN], held["values"], held["lower"], held["upper"], strict=False
        )
    ]
    metric = say(f"metric.{held['metric']}")
    return (
        tag("h3", say("explained.shuffled")),
        narrow((say("explained.column"), say("explained.rise", metric=metric), say("interval")), rows),
        tag("p", say("explained.shuffled.about", rows=number(held["rows"]), metric=metric), kind="quiet"),
    )


def _numbers(lines: Sequence[Sequence[float | None]]) -> Any:
    return np.array([[np.nan if value is None else value for value in line] for line in lines], np.float64)
