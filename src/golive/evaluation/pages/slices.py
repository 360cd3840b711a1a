"""Slices: the chapters about rows on which a model is worse, and about labels that nothing else supports."""

from collections.abc import Mapping, Sequence
from typing import Any

from golive.domain.evidence import Evidence
from golive.domain.metric import better
from golive.evaluation.numbers import number
from golive.evaluation.pages import plots
from golive.evaluation.pages.chapter import Chapter, Drawn
from golive.evaluation.pages.figures import table
from golive.evaluation.pages.markup import Markup, tag
from golive.evaluation.pages.phrases import Say

_MOST_DRAWN = 24
_MOST_DECLARED = 40
_LONGEST = 46
_ENGLISH = "Slices"

_Entry = Mapping[str, Any]


def slices(evidence: Evidence, say: Say) -> Chapter | None:
    """Make the chapter of weak, hard and declared slices."""
    details: Mapping[str, Any] = evidence.details.get("slices", {})
    if not details:
        return None
    entries: Sequence[_Entry] = details["slices"]
    if not entries and not details["searched"]:
        return None
    about = (
        say(
            "slices.about",
            searched=number(details["searched"]),
            confirmed=number(details["confirmed"]),
            columns=number(details["columns_read"]),
        )
        if details["searched"]
        else say("slices.about.declared")
    )
    return Chapter(
        name="slices",
        title=say("slices"),
        about=about,
        drawn=_drawn(details, entries, say),
        parts=tuple(_tables(details["metric"], entries, say)),
    )


def label_noise(evidence: Evidence, say: Say) -> Chapter | None:
    """Make the chapter of doubtful labels."""
    details: Mapping[str, Any] = evidence.details.get("label_noise", {})
    suspects: Sequence[_Entry] = details.get("suspects", ())
    if not suspects and not details.get("conflicts", {}).get("conflicting"):
        return None
    kind = "values" if suspects and "distance" in suspects[0] else "classes"
    counts = {key: number(round(details.get(key, 0))) for key in ("counted", "explained", "rows")}
    parts = [_suspects(kind, suspects, say)] if suspects else []
    return Chapter(
        name="label-noise",
        title=say("label_noise"),
        about=say(f"label_noise.about.{kind}", **counts) if suspects else "",
        parts=(*parts, *_conflicts(details.get("conflicts", {}), say)),
    )


def _drawn(details: Mapping[str, Any], entries: Sequence[_Entry], say: Say) -> tuple[Drawn, ...]:
    name = details["metric"]
    shown = [entry for entry in entries if _number(entry, "inside", name)["value"] is not None][:_MOST_DRAWN]
    overall = details["overall"].get(name, {}).get("value")
    if not shown or overall is None:
        return ()
    values = [_number(entry, "inside", name) for entry in shown]
    pick = min if better(name) == "higher" else max
    metric = say(f"metric.{name}")
    alt = say(
        "slices.alt",
        count=len(shown),
        metric=metric,
        overall=number(overall, 3) if abs(overall) <= 1.0 else number(overall),
        worst=number(pick(value["value"] for value in values)),
    )
    plot = plots.intervals(
        [_short(slice_text(entry, say)) for entry in shown],
        *([_or_nan(value[key]) for value in values] for key in ("value", "lower", "upper")),
        labels=(metric, ""),
        alt=alt,
        name="slices",
        reference=overall,
    )
    return (Drawn(caption=say("slices.plot", metric=metric), plot=plot, about=say("slices.plot.about")),)


def _tables(metric: str, entries: Sequence[_Entry], say: Say) -> list[Markup]:
    if not any(entry["kind"] != "declared" for entry in entries):
        remark = [tag("p", say("slices.none"), kind="quiet")]
    else:
        remark = []
    if not entries:
        return remark
    shown, left = entries[:_MOST_DECLARED], len(entries) - _MOST_DECLARED
    heads = (
        say("slices.slice"),
        say("slices.kind"),
        say("rows"),
        say("slices.share"),
        say("slices.inside", metric=say(f"metric.{metric}")),
        say("interval"),
        say("slices.outside"),
        say("slices.excess"),
    )
    more = [tag("p", say("slices.more", count=number(left)), kind="quiet")] if left > 0 else []
    return [*remark, table(heads, [_row(entry, metric, say) for entry in shown]), *more]


def _row(entry: _Entry, metric: str, say: Say) -> tuple[object, ...]:
    inside, outside = _number(entry, "inside", metric), _number(entry, "outside", metric)
    return (
        slice_text(entry, say),
        say(f"slices.kind.{entry['kind']}"),
        Markup(number(entry["rows"])),
        Markup(f"{entry['share']:.1%}"),
        _cell(inside["value"]),
        Markup("" if inside["lower"] is None else f"{_written(inside['lower'])} … {_written(inside['upper'])}"),
        _cell(outside["value"]),
        Markup(_above(entry) if entry["kind"] == "weak" else ""),
    )


def _above(entry: _Entry) -> str:
    if entry["loss"] == "log_loss":
        return f"+{_written(entry['excess']['value'])}"
    return f"+{entry['excess']['value']:.1%}" if entry["loss"] == "errors" else f"+{entry['more']:.0%}"


def _suspects(kind: str, suspects: Sequence[_Entry], say: Say) -> Markup:
    if kind == "values":
        heads = [say("row"), say("label_noise.given"), say("label_noise.model"), say("label_noise.distance")]
        rows: list[tuple[object, ...]] = [
            (*(Markup(number(entry[key])) for key in ("row", "given", "model")), _cell(entry["distance"]))
            for entry in suspects
        ]
        return tag("div", table(heads, rows, numeric_first=True), kind="narrow")
    keys = ("row", "label_noise.given", "label_noise.given_p", "label_noise.model", "label_noise.model_p")
    rows = [
        (
            Markup(number(entry["row"])),
            entry["given"],
            Markup(number(entry["given_probability"], 4)),
            entry["model"],
            Markup(number(entry["model_probability"], 4)),
        )
        for entry in suspects
    ]
    return tag("div", table([say(key) for key in keys], rows, numeric_first=True), kind="narrow")


def _conflicts(found: Mapping[str, Any], say: Say) -> list[Markup]:
    if not found.get("conflicting"):
        return []
    counts = {key: number(found[key]) for key in ("sets", "conflicting")}
    return [tag("p", say("label_noise.conflicts", expected=number(found["expected"], 1), **counts), kind="quiet")]


def slice_text(entry: _Entry, say: Say) -> str:
    """Write the conditions of a slice in the language of the page."""
    return str(entry["text"] if say("slices") == _ENGLISH else entry["text_zh"])


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _number(entry: _Entry, side: str, metric: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = entry[side].get(metric, {"value": None, "lower": None, "upper": None})
    return found


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _cell(value: float | None) -> Markup:
    return Markup("–" if value is None else _written(value))


def _written(value: float) -> str:
    return number(value, 3) if abs(value) < 1.0 else number(value)
