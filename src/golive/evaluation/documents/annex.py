"""Annex: a draft of the technical documentation of Annex IV to Regulation (EU) 2024/1689, filled from records.

Points and letters are those of the Annex; their titles are in golive's own words.
"""

from collections.abc import Sequence

from golive.evaluation.documents.draft import Draft, draft_of, minute
from golive.evaluation.documents.judged import forced, found, releases, verdict
from golive.evaluation.documents.known import Known
from golive.evaluation.documents.made import about, decided, environment, inputs, procedure, training_rows
from golive.evaluation.documents.markdown import Markdown, bold, heading, join, page, quote
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
from golive.evaluation.documents.parts import Part, written
from golive.evaluation.documents.sources import appendix
from golive.evaluation.pages.phrases import Language


def annex(known: Known, language: Language = "en") -> str:
    """Write the draft as Markdown.

    Raises:
        UsageError: there is no text in that language.
    """
    draft = draft_of(known, language)
    return page(
        heading(1, draft.tell("annex.title", name=known.bundle.name)),
        quote(bold(draft.tell("annex.draft", day=known.at[:10])), draft.tell("annex.dates")),
        forced(draft),
        draft.tell("written", at=minute(known.at)),
        *(_point(draft, number, letters) for number, letters in _points()),
        appendix(draft),
    )


def _points() -> Sequence[tuple[int, Sequence[tuple[str, Sequence[Part]]]]]:
    """Give, for every point of the Annex, its letters and what is on record for each."""
    return (
        (
            1,
            (
                ("a", (about, releases)),
                ("b", (_meets,)),
                ("c", (environment,)),
                ("d", ()),
                ("e", (counted,)),
                ("f", ()),
                ("g", ()),
                ("h", ()),
            ),
        ),
        (
            2,
            (
                ("a", (procedure,)),
                ("b", (decided, importance)),
                ("c", (_architecture,)),
                ("d", (training_rows,)),
                ("e", ()),
                ("f", ()),
                ("g", (measured_on, numbers, other_numbers, notes, robustness)),
                ("h", ()),
            ),
        ),
        (3, (("", (verdict, found, fairness, slices, inputs)),)),
        (4, (("", (_metrics,)),)),
        (5, (("", ()),)),
        (6, (("", (releases,)),)),
        (7, (("", ()),)),
        (8, (("", ()),)),
        (9, (("", ()),)),
    )


def _point(draft: Draft, number: int, letters: Sequence[tuple[str, Sequence[Part]]]) -> Markdown:
    title = heading(2, Markdown(f"{number}. {draft.tell(f'annex.{number}')}"))
    return join(title, *(_letter(draft, number, letter, parts) for letter, parts in letters), between="\n\n")


def _letter(draft: Draft, number: int, letter: str, parts: Sequence[Part]) -> Markdown:
    key = f"annex.{number}{letter}"
    title = heading(3, Markdown(f"{number}({letter}) {draft.tell(key)}")) if letter else ""
    return join(title, *written(draft, parts), draft.gap(key), between="\n\n")


def _meets(draft: Draft) -> Markdown:
    return draft.tell("annex.meets")


def _architecture(draft: Draft) -> Markdown:
    manifest = draft.known.bundle.manifest
    return draft.tell("annex.architecture", graph=manifest.graph, runtime=manifest.runtime)


def _metrics(draft: Draft) -> Markdown:
    rules = draft.known.verdict.reasons
    return (
        draft.tell("annex.rules", rules=join(*(reason.rule for reason in rules), between="; ")) if rules else Markdown()
    )
