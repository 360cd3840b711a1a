"""Sources: the appendix that says where every figure of a document is from."""

from golive.evaluation.documents.draft import Draft
from golive.evaluation.documents.markdown import Markdown, code, heading, join, table
from golive.evaluation.documents.trace import Cited, code_reference


def appendix(draft: Draft, *, level: int = 2) -> Markdown:
    """List the records and, as they hold them, the figures that the document has used; it comes last."""
    sources = [
        (
            code(source.label),
            draft.tell(f"kind.{source.kind}"),
            code(source.digest),
            code(source.data) if source.data else "",
            str(source.rows) if source.rows else "",
            source.at,
            source.code,
            code(source.policy) if source.policy else "",
        )
        for source in draft.known.sources()
    ]
    heads = ("reference", "what", "digest", "data", "rows", "at", "code", "policy")
    figures = [_figure(cited) for cited in draft.trace.cited()]
    stored = ("reference", "stored", "lower", "upper", "rows")
    example = next((code_reference(cited.label, cited.path) for cited in draft.trace.cited()), "")
    return join(
        heading(level, draft.title("sources")),
        draft.tell("sources.about", example=example),
        table([draft.tell(f"head.{name}") for name in heads], sources),
        heading(level + 1, draft.title("figures")),
        table([draft.tell(f"head.{name}") for name in stored], figures),
        between="\n\n",
    )


def _figure(cited: Cited) -> tuple[object, ...]:
    numbers = (_exact(value) for value in (cited.value, cited.lower, cited.upper))
    return (code_reference(cited.label, cited.path), *numbers, cited.rows or "")


def _exact(value: object) -> str:
    return Markdown(repr(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
