"""Chapters: which parts of an evaluation have a chapter of the report, in the order of the page."""

from golive.domain.evidence import Evidence
from golive.evaluation.pages.chapter import Chapter, Page
from golive.evaluation.pages.phrases import Say

PAGES: tuple[Page, ...] = ()


def chapters(evidence: Evidence, say: Say) -> list[Chapter]:
    """Make every chapter that the Evidence has something for."""
    return [chapter for page in PAGES if (chapter := page(evidence, say)) is not None]
