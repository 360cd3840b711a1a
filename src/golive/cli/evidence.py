"""Verbs that judge: evaluate, gate."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from golive import plugins
from golive.cli.options import Json, Lang, Language, Verbs
from golive.cli.output import Printer, reason_text, table
from golive.domain.digest import short
from golive.domain.evidence import Evidence, Measure
from golive.domain.finding import Finding
from golive.domain.judging import Declared
from golive.domain.metric import ALONE

_FEW_ROWS = "few rows ("

Reference = Annotated[
    str, typer.Argument(help="A project folder, or a bundle: name, name@version, name:serving, sha256:...")
]


def evaluate(
    reference: Reference = ".",
    *,
    data: Annotated[Path | None, typer.Option(help="Rows with the target, for a bundle outside its project.")] = None,
    training: Annotated[
        Path | None, typer.Option(help="The rows it was trained on, for a bundle outside its project.")
    ] = None,
    against: Annotated[str, typer.Option(help="The bundle to compare with; else what is live under the name.")] = "",
    sensitive: Annotated[str, typer.Option(metavar="COL,…", help="Columns to measure fairness by.")] = "",
    slices: Annotated[str, typer.Option(metavar="COL,…", help="Columns whose values are shown as slices.")] = "",
    time: Annotated[str, typer.Option(metavar="COL", help="When a row was.")] = "",
    group: Annotated[str, typer.Option(metavar="COL", help="Rows of one query or customer.")] = "",
    truth: Annotated[str, typer.Option(metavar="NAME", help="Of a model of tensors: the array of known answers.")] = "",
    answer: Annotated[str, typer.Option(metavar="OUTPUT", help="Of a model of tensors: the output to measure.")] = "",
    classes: Annotated[
        str, typer.Option(metavar="A,B,…", help="Of a model of tensors: the labels, in the order of the answers.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Print every measure.")] = False,
    lang: Lang = Language.EN,
    as_json: Json = False,
) -> None:
    """Measure a bundle, with intervals, against a dummy and against what is live; look for faults; write the report."""
    printer = Printer(as_json=as_json)
    declared = Declared(sensitive=_names(sensitive), slices=_names(slices), time=time, group=group)
    words = plugins.attribute("golive.control.judging.tensorial.words", "Words")(
        truth=truth, answer=answer, classes=_names(classes)
    )
    rows = plugins.attribute("golive.control.steps", "Rows")(
        data=data, training=training, declared=declared, words=words
    )
    with printer.progress() as move:
        evidence, report = plugins.verb("steps", "evaluate_reference")(
            reference, rows=rows, against=against, lang=lang, say=printer.stage, on_progress=move
        )

    def show(console: Console) -> None:
        for finding in evidence.findings:
            console.print(finding_text(finding), markup=False)
        for note in evidence.details.get("notes", ()):
            console.print(note_line(note), markup=False)
        shown = evidence.measures if every else main_measures(evidence)
        beside, below = remarks_of(shown, evidence)
        table(
            console,
            ("measure", "value", "95 % interval", "rows", "note"),
            [
                (measure.name, f"{measure.value:.6g}", _interval(measure), f"{measure.rows:,}", remark)
                for measure, remark in zip(shown, beside, strict=True)
            ],
        )
        for text in below:
            console.print(text, markup=False)
        left = len(evidence.measures) - len(shown)
        if left:
            console.print(left_text(left), markup=False)
        console.print(f"report    {report}", markup=False)

    printer.result(evidence, show)


def gate(
    reference: Reference = ".",
    *,
    policy: Annotated[
        Path | None, typer.Option(help="A golive.yaml with the rules; else that of the current project.")
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option(help="A rule such as 'rmse.upper <= 30000'; may be repeated.")
    ] = None,
    against: Annotated[str, typer.Option(help="Judge by an evaluation that compared it with this bundle.")] = "",
    junit: Annotated[Path | None, typer.Option(help="Write the verdict as JUnit XML.")] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Append the verdict as Markdown, for a page of continuous integration.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether a bundle may be released: exit code 0 for pass, 3 for anything else."""
    printer = Printer(as_json=as_json)
    gated = plugins.attribute("golive.control.steps", "Gated")(
        policy=policy, rules=tuple(rule or ()), against=against, junit=junit, summary=summary
    )
    verdict = plugins.verb("steps", "gate_reference")(reference, gated)

    def show(console: Console) -> None:
        for reason in verdict.reasons:
            console.print(reason_text(reason), markup=False)
        console.print(_judged_on(verdict), markup=False)
        console.print(verdict.outcome)

    printer.result(verdict, show)
    if verdict.outcome != "pass":
        raise typer.Exit(3)


def finding_text(finding: Finding) -> str:
    """Write a finding as a line of the terminal."""
    mark = {"stop": "✗", "warn": "!", "note": "·"}[finding.severity]
    return f"{mark} {finding.kind}: {finding.text}"


def note_line(note: Mapping[str, Any]) -> str:
    """Write a note as a line of the terminal; one that says why something was not looked for names it."""
    kinds = note.get("kinds", ())
    return f"· not looked for ({', '.join(kinds)}): {note['text']}" if kinds else f"· {note['text']}"


def remarks_of(shown: Sequence[Measure], evidence: Evidence) -> tuple[list[str], list[str]]:
    """Give the remark beside each measure, and once, to stand below, what would stand on every line.

    That rows are few is left out where the notes say so already, or speak of groups of rows, which count then.
    """
    parted = [measure.note.partition(_FEW_ROWS) for measure in shown]
    beside = [first.removesuffix("; ") for first, _, _ in parted]
    told = {note["code"] for note in evidence.details.get("notes", ())}
    if told & {"few_rows", "grouped"}:
        return beside, []
    return beside, list(dict.fromkeys(f"{few}{rest}" for _, few, rest in parted if few))


def left_text(measures: int) -> str:
    """Say how many measures the terminal did not show."""
    those, them = ("1 more measure is", "it") if measures == 1 else (f"{measures:,} more measures are", "them")
    return f"{those} in the report; --all prints {them}"


def main_measures(evidence: Evidence) -> list[Measure]:
    """Give the measures of the whole model, with those of its baseline and champion; parts are in the report."""
    compared = {name.rpartition(".")[2] for name in (m.name for m in evidence.measures) if name.startswith("baseline.")}
    return [
        measure
        for measure in evidence.measures
        if measure.name.split(" - ")[0].removeprefix("baseline.").removeprefix("champion.") in compared
        or measure.name in ALONE
    ]


VERBS: Verbs = {"evaluate": evaluate, "gate": gate}


def _judged_on(verdict: Any) -> str:
    rows = "test rows" if verdict.rows_from == "test" else "rows that were given"
    data = f" of the data {short(verdict.data)}" if verdict.data else ""
    return f"judged on {verdict.rows:,} {rows}{data}"


def _names(listed: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in listed.split(",") if name.strip())


def _interval(measure: Any) -> str:
    if measure.lower is None or measure.upper is None:
        return "-"
    return f"[{measure.lower:.6g}, {measure.upper:.6g}]"
