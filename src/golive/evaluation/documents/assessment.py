"""Assessment: a draft of the self-assessment report on the safety of an algorithm that is asked for in China.

The order is that of reports filed under the Provisions on the Management of Algorithmic Recommendations in Internet
Information Services. It is in Chinese; in English documents the headings are in both languages.
"""

from collections.abc import Sequence

from golive.evaluation.documents.draft import Draft, draft_of, minute
from golive.evaluation.documents.judged import forced, found, releases, verdict
from golive.evaluation.documents.known import Known
from golive.evaluation.documents.made import about, environment, inputs, procedure, training_rows
from golive.evaluation.documents.markdown import Markdown, bold, heading, page, quote
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
from golive.evaluation.pages.phrases import Language, phrases


def assessment(known: Known, language: Language = "en") -> str:
    """Write the draft as Markdown, in Chinese; ``en`` sets English headings beside the Chinese ones.

    Raises:
        UsageError: there is no text in that language.
    """
    phrases(language)
    draft = draft_of(known, "zh", beside=language)
    chapters = [block for key, parts in _chapters() for block in (heading(2, draft.title(key)), *_parts(draft, parts))]
    return page(
        heading(1, draft.title("assessment.title", name=known.bundle.name)),
        quote(bold(draft.tell("assessment.draft", day=known.at[:10]))),
        forced(draft),
        draft.tell("written", at=minute(known.at)),
        *chapters,
        appendix(draft),
    )


def _chapters() -> Sequence[tuple[str, Sequence[tuple[str, Sequence[Part]]]]]:
    """Give the chapters, their parts, and what is on record for each."""
    return (
        (
            "assessment.1",
            (
                ("assessment.1.flow", (about, _flow)),
                ("assessment.1.data", (inputs, training_rows)),
                ("assessment.1.model", (procedure, measured_on, numbers, other_numbers, notes, importance)),
                ("assessment.1.intervention", ()),
                ("assessment.1.marking", ()),
            ),
        ),
        (
            "assessment.2",
            (
                ("assessment.2.service", (releases,)),
                ("assessment.2.place", (counted, environment)),
            ),
        ),
        (
            "assessment.3",
            (
                ("assessment.3.data", (_data_findings,)),
                ("assessment.3.model", (_model_findings, robustness, slices)),
                ("assessment.3.ethics", (_group_findings, fairness)),
                ("assessment.3.misuse", ()),
            ),
        ),
        (
            "assessment.4",
            (
                ("assessment.4.mechanism", (_mechanism,)),
                ("assessment.4.users", ()),
                ("assessment.4.model", (_guards,)),
                ("assessment.4.data", ()),
            ),
        ),
        ("assessment.5", (("assessment.5.conclusion", (verdict,)),)),
    )


def _parts(draft: Draft, parts: Sequence[tuple[str, Sequence[Part]]]) -> list[Markdown]:
    return [
        block
        for key, wanted in parts
        for block in (heading(3, draft.title(key)), *written(draft, wanted), draft.gap(key))
    ]


def _flow(draft: Draft) -> Markdown:
    return draft.tell("assessment.flow", runtime=draft.known.bundle.manifest.runtime)


def _data_findings(draft: Draft) -> Markdown:
    return found(
        draft, "leakage", "duplicates", "identifier", "time", "hidden_missing", "unit", "shift", "label_noise", "rows"
    )


def _model_findings(draft: Draft) -> Markdown:
    return found(draft, "weak_slice", "calibration", "robustness")


def _group_findings(draft: Draft) -> Markdown:
    return found(draft, "group_gap")


def _mechanism(draft: Draft) -> Markdown:
    return draft.tell("assessment.mechanism")


def _guards(draft: Draft) -> Markdown:
    return draft.tell("assessment.guards")
