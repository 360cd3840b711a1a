"""Verbs that judge: evaluate, gate."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from golive import plugins
from golive.cli.options import Json, Lang, Language, Verbs
from golive.cli.output import Printer, reason_text, table
from golive.domain.digest import short

Reference = Annotated[
    str, typer.Argument(help="A project folder, or a bundle: name, name@version, name:serving, sha256:...")
]


def evaluate(
    reference: Reference = ".",
    *,
    data: Annotated[Path | None, typer.Option(help="Rows with the target, for a bundle outside its project.")] = None,
    lang: Lang = Language.EN,
    as_json: Json = False,
) -> None:
    """Measure a bundle, with intervals, against a dummy and against what is live; write the report."""
    printer = Printer(as_json=as_json)
    with printer.progress() as move:
        evidence, report = plugins.verb("steps", "evaluate_reference")(
            reference, data=data, lang=lang, say=printer.stage, on_progress=move
        )

    def show(console: Console) -> None:
        table(
            console,
            ("measure", "value", "95 % interval", "rows", "note"),
            [
                (measure.name, f"{measure.value:.6g}", _interval(measure), f"{measure.rows:,}", measure.note)
                for measure in evidence.measures
            ],
        )
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
    junit: Annotated[Path | None, typer.Option(help="Write the verdict as JUnit XML.")] = None,
    as_json: Json = False,
) -> None:
    """Say whether a bundle may be released: exit code 0 for pass, 3 for anything else."""
    printer = Printer(as_json=as_json)
    verdict = plugins.verb("steps", "gate_reference")(reference, policy=policy, rules=tuple(rule or ()), junit=junit)

    def show(console: Console) -> None:
        for reason in verdict.reasons:
            console.print(reason_text(reason), markup=False)
        console.print(_judged_on(verdict), markup=False)
        console.print(verdict.outcome)

    printer.result(verdict, show)
    if verdict.outcome != "pass":
        raise typer.Exit(3)


VERBS: Verbs = {"evaluate": evaluate, "gate": gate}


def _judged_on(verdict: Any) -> str:
    rows = "test rows" if verdict.rows_from == "test" else "rows that were given"
    data = f" of the data {short(verdict.data)}" if verdict.data else ""
    return f"judged on {verdict.rows:,} {rows}{data}"


def _interval(measure: Any) -> str:
    if measure.lower is None or measure.upper is None:
        return "-"
    return f"[{measure.lower:.6g}, {measure.upper:.6g}]"
