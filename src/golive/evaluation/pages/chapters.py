"""Chapters: which parts of an evaluation have a chapter of the report, in the order of the page."""

from golive.domain.evidence import Evidence
from golive.evaluation.pages.chapter import Chapter, Page
from golive.evaluation.pages.checks import checks
from golive.evaluation.pages.curves import curves
from golive.evaluation.pages.errors import errors
from golive.evaluation.pages.explained import explained
from golive.evaluation.pages.groups import groups
from golive.evaluation.pages.latency import latency
from golive.evaluation.pages.learning import learning
from golive.evaluation.pages.measured import numbers
from golive.evaluation.pages.phrases import Say
from golive.evaluation.pages.slices import label_noise, slices
from golive.evaluation.pages.stress import stress

PAGES: tuple[Page, ...] = (
    numbers,
    curves,
    errors,
    explained,
    slices,
    label_noise,
    groups,
    stress,
    learning,
    checks,
    latency,
)


def chapters(evidence: Evidence, say: Say) -> list[Chapter]:
    """Make every chapter that the Evidence has something for."""
    return [chapter for page in PAGES if (chapter := page(evidence, say)) is not None]
