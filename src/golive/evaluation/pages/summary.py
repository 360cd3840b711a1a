"""Summary: whether a model may go live, and what stands against it, in the few lines that everybody reads."""

from collections.abc import Callable, Iterator

from golive.domain.evidence import Evidence
from golive.domain.policy import Reason, Verdict
from golive.evaluation.pages.findings import whole
from golive.evaluation.pages.markup import Markup, tag
from golive.evaluation.pages.phrases import Say, together

_MOST = 3
"""Rules, and findings, that are named; the chapters below name all."""

Told = Callable[[Reason], str]
"""Says what a rule met, in the language of the page."""


def summary(verdict: Verdict | None, evidence: Evidence, told: Told, say: Say) -> Markup:
    """Write the outcome in a sentence, the rules that do not hold, and the gravest findings."""
    outcome = verdict.outcome if verdict and verdict.reasons else "none"
    lines = [*_rules(verdict, told, say), *_grave(evidence, say)]
    between = say("two.sentences", first="", second="")
    head = tag("p", tag("b", _said(verdict, outcome, say)), between, _found(verdict, evidence, say))
    listed = tag("ul", *(tag("li", line) for line in lines)) if lines else Markup()
    return tag("div", head, listed, kind=f"summary {outcome}")


def _said(verdict: Verdict | None, outcome: str, say: Say) -> str:
    if verdict is None or not verdict.reasons:
        return say("summary.none")
    counts = {"count": sum(reason.outcome == outcome for reason in verdict.reasons), "rules": len(verdict.reasons)}
    return say(f"summary.{outcome}", **counts)


def _found(verdict: Verdict | None, evidence: Evidence, say: Say) -> str:
    counts = {kind: sum(one.severity == kind for one in evidence.findings) for kind in ("stop", "warn")}
    said = [say(f"summary.found.{kind}", count=count) for kind, count in counts.items() if count]
    failed = verdict is not None and verdict.outcome == "fail"
    if not said and evidence.checked and not failed:
        return say("summary.found.nothing")
    return together(say, *said) if said else ""


def _rules(verdict: Verdict | None, told: Told, say: Say) -> Iterator[Markup]:
    against = [one for one in (verdict.reasons if verdict else ()) if one.outcome != "pass"]
    against.sort(key=lambda one: one.outcome != "fail")
    for one in against[:_MOST]:
        yield Markup(tag("code", one.rule) + tag("span", say("colon"), told(one)))
    if len(against) > _MOST:
        yield tag("span", say("summary.more.rules", count=len(against) - _MOST))


def _grave(evidence: Evidence, say: Say) -> Iterator[Markup]:
    grave = [one for kind in ("stop", "warn") for one in evidence.findings if one.severity == kind]
    for one in grave[:_MOST]:
        yield tag("span", say("colon").join((say(f"found.{one.kind}").capitalize(), whole(one, say))))
    if len(grave) > _MOST:
        yield tag("a", say("summary.more.findings", count=len(grave) - _MOST), href="#findings")
