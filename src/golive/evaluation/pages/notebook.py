"""Notebook: Evidence in, a small HTML table out for the output of a cell, and the report's plots, by name."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from matplotlib.figure import Figure

from golive.domain.evidence import Evidence, Measure
from golive.domain.finding import Severity
from golive.evaluation.numbers import interval_text, value_text
from golive.evaluation.pages.chapter import Drawn
from golive.evaluation.pages.chapters import chapters
from golive.evaluation.pages.drawing import figure
from golive.evaluation.pages.findings import note_text, whole
from golive.evaluation.pages.markup import Markup, join, tag
from golive.evaluation.pages.measured import own_measures
from golive.evaluation.pages.phrases import Language, Say, phrases

_MARKS = {"stop": "⛔", "warn": "⚠", "note": "ℹ"}
_NEAREST = 5
_CALLED = {"shap": "explained", "confusion_matrix": "confusion"}
"""What plots are called elsewhere, and how their names begin here."""
_LEFT = "text-align: left; padding: .2em .8em"
_RIGHT = "text-align: right; padding: .2em .8em"


def evidence_html(evidence: Evidence, lang: Language = "en") -> str:
    """Write the findings, the model's own measures, with intervals, and the differences to baseline and live model.

    Measures of chapters of their own, such as ``fairness.sex.selection_ratio``, are left to the report.
    """
    say = phrases(lang)
    own = own_measures(evidence)
    roles = [role for role in ("baseline", "champion") if any(m.name.startswith(f"{role}.") for m in evidence.measures)]
    heads = [say("measure"), say("value"), say("interval"), *(say(f"against.{role}") for role in roles)]
    head = tag("tr", *(tag("th", text, style=_RIGHT if place else _LEFT) for place, text in enumerate(heads)))
    rows = (_row(measure, evidence, roles, say) for measure in own)
    notes = [tag("li", _noted(note, say)) for note in evidence.details.get("notes", ())]
    ordered = sorted(evidence.findings, key=lambda finding: get_args(Severity).index(finding.severity))
    found = [tag("li", f"{_MARKS[finding.severity]} ", whole(finding, say)) for finding in ordered]
    return str(
        join(
            tag("ul", *found) if found else Markup(),
            tag("table", tag("thead", head), tag("tbody", *rows)),
            tag("ul", *notes) if notes else Markup(),
        )
    )


def plots_of(evidence: Evidence, lang: Language = "en") -> dict[str, Drawn]:
    """Give every plot of the report with its caption, by name, in the order of the page."""
    drawn = (one for chapter in chapters(evidence, phrases(lang)) for one in chapter.drawn)
    return {one.plot.name: one for one in drawn}


def near(name: str, names: Iterable[str]) -> list[str]:
    """Give the names that a mistaken one may mean: those that it begins or is in, else those spelled like it."""
    every, asked = list(names), _CALLED.get(name.lower(), name.lower())
    within = [one for one in every if asked and (asked in one or one in asked)]
    within.sort(key=lambda one: not one.startswith(asked))
    return within[:_NEAREST] or get_close_matches(asked, every, n=_NEAREST)


def figure_of(drawn: Drawn) -> Figure:
    """Draw a plot of the report as a figure of its own, with its caption and legend; a notebook shows it."""
    return figure(drawn.plot, title=drawn.caption, legend=drawn.legend)


def _noted(note: Mapping[str, Any], say: Say) -> str:
    """Say a note; one that says why something was not looked for names it."""
    text = note_text(note, say)
    kinds = say("comma").join(say(f"found.{kind}") for kind in note.get("kinds", ()))
    return say("findings.unlooked.why", kinds=kinds, why=text) if kinds else say("sentence", text=text)


def _row(measure: Measure, evidence: Evidence, roles: list[str], say: Say) -> Markup:
    differences = [evidence.find(f"{measure.name} - {role}.{measure.name}") for role in roles]
    return tag(
        "tr",
        tag("td", say(f"metric.{measure.name}"), style=_LEFT),
        tag("td", value_text(measure), style=_RIGHT),
        tag("td", interval_text(measure), style=_RIGHT),
        *(tag("td", _difference(found) if found else "", style=_RIGHT) for found in differences),
    )


def _difference(measure: Measure) -> str:
    bounds = interval_text(measure)
    return f"{value_text(measure)} ({bounds})" if bounds else value_text(measure)
