"""Card: a model card with the sections that the Hugging Face Hub and skops have, filled from what is on record."""

from golive.evaluation.documents.draft import Draft, draft_of, minute
from golive.evaluation.documents.front import front_matter
from golive.evaluation.documents.judged import forced, found, releases, verdict
from golive.evaluation.documents.known import Known
from golive.evaluation.documents.made import about, environment, inputs, procedure, started, training_rows
from golive.evaluation.documents.markdown import Markdown, bullets, heading, join, page
from golive.evaluation.documents.measured import (
    counted,
    fairness,
    importance,
    measured_on,
    notes,
    numbers,
    other_numbers,
    robustness,
    slices,
)
from golive.evaluation.documents.sources import appendix
from golive.evaluation.pages.measured import paired_rows
from golive.evaluation.pages.phrases import Language

_PEOPLE = ("authors", "contact", "citation", "license")


def card(known: Known, language: Language = "en") -> str:
    """Write the model card as Markdown with YAML front matter.

    Raises:
        UsageError: there is no text in that language.
    """
    draft = draft_of(known, language)
    return page(
        front_matter(known, paired_rows(known.evidence)),
        heading(1, draft.tell("card.title", name=known.bundle.name)),
        forced(draft),
        draft.tell("written", at=minute(known.at)),
        _described(draft),
        _used(draft),
        _risks(draft),
        _trained(draft),
        _evaluated(draft),
        _section(draft, "card.environment", counted(draft), environment(draft), draft.gap("environment")),
        _section(draft, "card.start", draft.tell("card.start.about"), started(draft)),
        _section(draft, "card.releases", releases(draft)),
        _section(draft, "card.people", bullets([_person(draft, who) for who in _PEOPLE])),
        appendix(draft),
    )


def _described(draft: Draft) -> Markdown:
    return _section(draft, "card.description", about(draft), heading(3, draft.tell("card.inputs")), inputs(draft))


def _used(draft: Draft) -> Markdown:
    outside = bullets([draft.tell("scope.unlike"), draft.gap("out_of_scope")])
    return _section(draft, "card.use", draft.gap("intended"), heading(3, draft.tell("card.out_of_scope")), outside)


def _risks(draft: Draft) -> Markdown:
    return _section(
        draft,
        "card.risks",
        draft.gap("harms"),
        verdict(draft),
        heading(3, draft.tell("card.findings")),
        found(draft),
        heading(3, draft.tell("card.fairness")),
        fairness(draft),
        heading(3, draft.tell("card.slices")),
        slices(draft),
    )


def _trained(draft: Draft) -> Markdown:
    return _section(
        draft,
        "card.training",
        heading(3, draft.tell("card.data")),
        training_rows(draft),
        draft.gap("collection"),
        heading(3, draft.tell("card.procedure")),
        procedure(draft),
    )


def _evaluated(draft: Draft) -> Markdown:
    return _section(
        draft,
        "card.evaluation",
        measured_on(draft),
        numbers(draft),
        other_numbers(draft),
        notes(draft),
        heading(3, draft.tell("card.robustness")),
        robustness(draft),
        heading(3, draft.tell("card.explanations")),
        importance(draft),
    )


def _person(draft: Draft, who: str) -> Markdown:
    return join(draft.tell(f"card.{who}"), draft.gap(who), between=draft.tell("card.colon"))


def _section(draft: Draft, key: str, *parts: Markdown) -> Markdown:
    return join(heading(2, draft.tell(key)), *parts, between="\n\n")
