"""Summary: verdict, findings and numbers as one short page of Markdown."""

from golive.evaluation.documents.draft import draft_of, minute
from golive.evaluation.documents.judged import found, releases, verdict
from golive.evaluation.documents.known import Known
from golive.evaluation.documents.markdown import code, heading, page
from golive.evaluation.documents.measured import counted, fairness, importance, measured_on, notes, numbers
from golive.evaluation.documents.sources import appendix
from golive.evaluation.pages.phrases import Language


def summary(known: Known, language: Language = "en") -> str:
    """Write the summary.

    Raises:
        UsageError: there is no text in that language.
    """
    draft = draft_of(known, language)
    return page(
        heading(1, draft.tell("summary.title", name=known.bundle.name)),
        draft.tell("summary.about", digest=code(known.bundle.digest)),
        draft.tell("written", at=minute(known.at)),
        heading(2, draft.tell("summary.verdict")),
        verdict(draft),
        heading(2, draft.tell("card.findings")),
        found(draft),
        heading(2, draft.tell("card.evaluation")),
        measured_on(draft),
        numbers(draft),
        counted(draft),
        notes(draft),
        heading(2, draft.tell("card.fairness")),
        fairness(draft),
        heading(2, draft.tell("card.explanations")),
        importance(draft),
        heading(2, draft.tell("card.releases")),
        releases(draft),
        appendix(draft),
    )
