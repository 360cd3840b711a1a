"""Parts: what the drafts for offices are put together from, with the titles of those that are tables."""

from collections.abc import Callable, Mapping, Sequence

from golive.evaluation.documents.draft import Draft
from golive.evaluation.documents.judged import found, releases, verdict
from golive.evaluation.documents.made import environment, inputs, procedure, training_rows
from golive.evaluation.documents.markdown import Markdown, heading
from golive.evaluation.documents.measured import fairness, importance, robustness, slices

Part = Callable[[Draft], Markdown]
"""Writes what is on record; empty where nothing is."""

_TITLES: Mapping[Part, str] = {
    verdict: "summary.verdict",
    found: "card.findings",
    releases: "card.releases",
    inputs: "card.inputs",
    training_rows: "card.data",
    procedure: "card.procedure",
    environment: "card.libraries",
    fairness: "card.fairness",
    slices: "card.slices",
    robustness: "card.robustness",
    importance: "card.explanations",
}


def written(draft: Draft, parts: Sequence[Part]) -> list[Markdown]:
    """Write some parts, each that has a title under it."""
    texts = [(part, part(draft)) for part in parts]
    return [
        block
        for part, text in texts
        if text
        for block in ((heading(4, draft.title(_TITLES[part])), text) if part in _TITLES else (text,))
    ]
