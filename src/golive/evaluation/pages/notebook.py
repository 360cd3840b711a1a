"""Notebook: Evidence in, a small HTML table out, for the output of a cell."""

from golive.domain.evidence import Evidence, Measure
from golive.evaluation.pages.markup import Markup, join, tag
from golive.evaluation.pages.numbers import interval_text, value_text
from golive.evaluation.pages.phrases import Language, Say, phrases

_LEFT = "text-align: left; padding: .2em .8em"
_RIGHT = "text-align: right; padding: .2em .8em"


def evidence_html(evidence: Evidence, lang: Language = "en") -> str:
    """Write the model's own measures, with intervals, and the differences to baseline and live model."""
    say = phrases(lang)
    own = [m for m in evidence.measures if " - " not in m.name and not m.name.startswith(("baseline.", "champion."))]
    roles = [role for role in ("baseline", "champion") if any(m.name.startswith(f"{role}.") for m in evidence.measures)]
    heads = [say("measure"), say("value"), say("interval"), *(say(f"against.{role}") for role in roles)]
    head = tag("tr", *(tag("th", text, style=_RIGHT if place else _LEFT) for place, text in enumerate(heads)))
    rows = (_row(measure, evidence, roles, say) for measure in own)
    notes = [tag("li", note["text"]) for note in evidence.details.get("notes", ())]
    return str(
        join(
            tag("table", tag("thead", head), tag("tbody", *rows)),
            tag("ul", *notes) if notes else Markup(),
        )
    )


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
