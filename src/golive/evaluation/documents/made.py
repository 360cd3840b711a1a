"""Made: what a bundle is, how it came to be, and what it needs, as parts of a document."""

from collections.abc import Sequence

import msgspec

from golive.domain.digest import short
from golive.domain.signature import Field
from golive.evaluation.documents.draft import Draft, minute
from golive.evaluation.documents.markdown import Markdown, bullets, code, escape, fenced, join, table

_MOST_FIELDS = 200
_MOST_VALUES = 8
_MOST_CLASSES = 30
_MOST_CHANGES = 60
_MOST_WRITTEN = 60
_LONGEST = 500
_PAIR = 2


def about(draft: Draft) -> Markdown:
    """Say what is predicted, by what, and which bundle it is."""
    bundle = draft.known.bundle
    signature, manifest = bundle.signature, bundle.manifest
    target = draft.tell("predicts", target=signature.target)
    unit = draft.tell("predicts.unit", unit=signature.unit) if signature.unit else ""
    classes = several(signature.classes, draft, most=_MOST_CLASSES)
    return bullets(
        [
            join(target, draft.tell(f"task.{signature.task}", classes=classes), unit, between=draft.tell("clause")),
            decided(draft),
            draft.tell("estimator", model=manifest.lineage.model or "?"),
            draft.tell("parent", parent=code(short(manifest.lineage.parent))) if manifest.lineage.parent else "",
            draft.tell(
                "bundle",
                digest=code(bundle.digest),
                size=join(draft.trace.measure("size_mb") or "?", "MB", between=" "),
                at=minute(bundle.created_at),
            ),
            draft.tell("runtime", runtime=manifest.runtime, graph=manifest.graph),
        ]
    )


def decided(draft: Draft) -> Markdown:
    """Say how probabilities become an answer; empty for a number."""
    classes = draft.known.bundle.signature.classes
    if len(classes) == _PAIR:
        threshold = draft.trace.value("B1", "decision.threshold")
        return draft.tell("threshold", positive=classes[1], threshold=threshold)
    return draft.tell("most_probable") if classes else Markdown()


def inputs(draft: Draft) -> Markdown:
    """List the fields that a caller sends."""
    fields = draft.known.bundle.signature.inputs
    rows = [
        (
            field.name,
            field.format or field.dtype,
            draft.tell("yes" if field.nullable else "no"),
            *_seen(field, place, draft),
        )
        for place, field in enumerate(fields[:_MOST_FIELDS])
    ]
    left = len(fields) - len(rows)
    heads = [draft.tell(f"head.{name}") for name in ("field", "type", "missing", "seen", "unit")]
    return join(table(heads, rows), draft.tell("more", count=left) if left else "", between="\n\n")


def training_rows(draft: Draft) -> Markdown:
    """Say which rows the model was fitted on, and what cleaning did to them."""
    lineage, report, trace = draft.known.bundle.manifest.lineage, draft.known.data_report, draft.trace
    sources = [(name, code(digest)) for name, digest in lineage.data.items()]
    fitted = draft.tell("rows.trained", rows=trace.value("B1", "lineage.rows")) if lineage.rows else ""
    parts = [table([draft.tell("head.source"), draft.tell("head.digest")], sources), fitted]
    if report is None:
        return join(*parts, draft.tell("data.none"), between="\n\n")
    counts = {"before": "rows_in", "after": "rows_out", "train": "rows_train", "test": "rows_test"}
    told = draft.tell("data.rows", **{key: trace.value("D1", path) for key, path in counts.items()})
    rows = [
        (
            draft.say(f"rule.{change.rule}"),
            change.column,
            draft.say(f"action.{change.action}"),
            trace.value("D1", f"changes.{place}.cells"),
            trace.value("D1", f"changes.{place}.rows"),
        )
        for place, change in enumerate(report.changes[:_MOST_CHANGES])
    ]
    heads = [draft.tell(f"head.{name}") for name in ("rule", "column", "action", "cells", "rows")]
    notes = [
        join(text, trace.reference("D1", f"notes.{place}"), between=" ") for place, text in enumerate(report.notes)
    ]
    changed = table(heads, rows) or draft.tell("data.unchanged")
    return join(*parts, told, changed, bullets(notes), between="\n\n")


def procedure(draft: Draft) -> Markdown:
    """Say by what program, seed and settings the model was made, and whether the bundle answers like it."""
    lineage, trace = draft.known.bundle.manifest.lineage, draft.trace
    facts = [
        draft.tell("estimator", model=lineage.model or "?"),
        draft.tell("seed", seed=trace.value("B1", "lineage.seed")),
        draft.tell("made_by", code=lineage.code) if lineage.code else "",
        parity(draft),
    ]
    rows = [
        (name, trace.value("B1", f"lineage.parameters.{name}") or _json(value))
        for name, value in lineage.parameters.items()
    ]
    return join(bullets(facts), table([draft.tell("head.parameter"), draft.tell("head.value")], rows), between="\n\n")


def parity(draft: Draft) -> Markdown:
    """Say how near the bundle is to its original."""
    measure = draft.known.parity.find("parity.difference") if draft.known.parity else None
    if measure is None:
        return draft.tell("parity.none")
    if not measure.rows:
        return escape(measure.note) if measure.note else draft.tell("parity.none")
    return draft.tell(
        "parity",
        difference=draft.trace.measure("parity.difference", "E2"),
        rows=draft.trace.value("E2", "rows"),
    )


def environment(draft: Draft) -> Markdown:
    """List the libraries that decide the numbers."""
    rows = list(draft.known.bundle.manifest.lineage.environment.items())
    return table([draft.tell("head.library"), draft.tell("head.version")], rows)


def started(draft: Draft) -> Markdown:
    """Write a program that asks the bundle about one row."""
    bundle = draft.known.bundle
    fields = [f"    {field.name!r}: [{field.sample!r}]," for field in bundle.signature.inputs]
    row = (
        ["row = {", *fields, "}"]
        if len(fields) <= _MOST_WRITTEN
        else ["row = {field.name: [field.sample] for field in model.bundle.signature.inputs}"]
    )
    lines = ["import golive", "", f"model = golive.load({bundle.digest!r})", *row, "print(model.predict(row))"]
    return fenced("python", lines)


def several(texts: Sequence[str], draft: Draft, *, most: int) -> Markdown:
    """List some texts, and how many more there are."""
    shown = join(*texts[:most], between=draft.tell("comma"))
    left = len(texts) - most
    return join(shown, draft.tell("more", count=left), between=" ") if left > 0 else shown


def _seen(field: Field, place: int, draft: Draft) -> tuple[Markdown, str]:
    if field.categories:
        return several(field.categories, draft, most=_MOST_VALUES), field.unit
    at = f"signature.inputs.{place}"
    bounds = [draft.trace.value("B1", f"{at}.{end}") for end in ("minimum", "maximum")]
    return join(*bounds, between=" … "), field.unit


def _json(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
