"""The verb explain: why a bundle answers rows as it does, and what would have changed its answers."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from golive import plugins
from golive.cli.options import Json, Verbs, key_values
from golive.cli.output import Printer, table
from golive.domain.digest import short
from golive.evaluation.numbers import number, sent, signed

_SHOWN = 20
_BAR = 24
_QUANTITIES = {"value": "the answer", "log_odds": "the log-odds", "probability": "the probability"}


def explain(
    reference: Annotated[str, typer.Argument(help="A bundle: name, name@version, name:serving, sha256:...")],
    place: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="A .csv, .parquet, .jsonl or .db file, s3://..., a database URL, JSON, or - for JSON."
        ),
    ],
    *,
    row: Annotated[int | None, typer.Option(min=0, help="Only this row, counted from 0.")] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", help="The class that is explained. Default: the second of two, else the answer."),
    ] = None,
    counterfactual: Annotated[
        bool, typer.Option("--counterfactual", help="Look for the smallest changes that would have changed the answer.")
    ] = False,
    want: Annotated[str | None, typer.Option(help="The label that it should have been.")] = None,
    at_least: Annotated[float | None, typer.Option(help="What a number should have been at least.")] = None,
    at_most: Annotated[float | None, typer.Option(help="What a number should have been at most.")] = None,
    immutable: Annotated[str, typer.Option(help="Inputs that no change may touch, with commas between.")] = "",
    evaluations: Annotated[
        int | None, typer.Option(min=1, help="The most answers of the model for a row, where they are sampled.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write a table of any of these kinds.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="KEY=VALUE for the input; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Say how much each input moved each answer; a bare name means what serves."""
    printer = Printer(as_json=as_json)
    rooms = plugins.verb("rooms", "open_rooms")()
    wants_change = counterfactual or want is not None or at_least is not None or at_most is not None
    goal = plugins.attribute("golive.inference.counterfactual", "Goal")(label=want, at_least=at_least, at_most=at_most)
    wish = plugins.attribute("golive.control.judging.explain", "Wish")(
        row=row,
        output=label,
        goal=goal if wants_change else None,
        immutable=tuple(name for name in immutable.split(",") if name),
        evaluations=evaluations,
        options=key_values(option or []),
    )
    with printer.progress() as move:
        done = plugins.verb("judging.explain", "explain")(
            reference, place, rooms, wish=wish, output="" if output is None else str(output), move=move
        )
    printer.result(done, lambda console: _show(console, done))


def _show(console: Console, done: Any) -> None:
    head = f"{done.model} {short(done.bundle)}: contributions to {_QUANTITIES[done.scale]}, by the {done.method} method"
    console.print(f"{head}, which add up to within {done.additivity_error:.1g}", markup=False)
    if done.output:
        console.print(f"wrote {done.rows:,} rows to {done.output}", markup=False)
    elif done.rows == 1:
        _show_one(console, done.explanations[0])
    else:
        _show_many(console, done)


def _show_one(console: Console, one: dict[str, Any]) -> None:
    """Print one row as a waterfall: from the usual answer to this one, the greatest step first."""
    steps = sorted(one["contributions"].items(), key=lambda step: -abs(step[1]))
    widest = max((abs(moved) for _, moved in steps), default=0.0) or 1.0
    answer = one["base"]
    rows = [("usually", "", "", number(answer), "")]
    for name, moved in steps:
        answer += moved
        mark = ("+" if moved > 0 else "-") * max(round(_BAR * abs(moved) / widest), 1 if moved else 0)
        rows.append((name, _sent(one["values"][name]), signed(moved), number(answer), mark))
    what = f" for {one['output']}" if one["output"] is not None else ""
    rows.append((f"this row{what}", "", "", number(one["answer"]), ""))
    table(console, ("input", "value", "moves by", "to", ""), rows)
    console.print(f"prediction: {_text(one['prediction'])}", markup=False)
    _show_changes(console, one.get("counterfactual"))


def _show_changes(console: Console, changed: dict[str, Any] | None) -> None:
    if changed is None:
        return
    if changed["reason"]:
        console.print(f"no counterfactual: {changed['reason']}", markup=False)
    for found in changed["found"]:
        changes = ", ".join(
            f"{change['input']} {_sent(change['after'])} instead of {_sent(change['before'])}"
            for change in found["changes"]
        )
        console.print(f"with {changes}: {_text(found['prediction'])}", markup=False)


def _show_many(console: Console, done: Any) -> None:
    rows = []
    for index, one in enumerate(done.explanations[:_SHOWN]):
        reasons = "; ".join(reason["text"] for reason in one["reasons"])
        rows.append((str(index), _text(one["prediction"]), number(one["answer"]), reasons))
    table(console, ("row", "prediction", "answer", "reasons"), rows)
    if done.rows > _SHOWN:
        console.print(f"and {done.rows - _SHOWN:,} more; -o FILE writes all, --row N shows one in full", markup=False)


def _text(value: Any) -> str:
    if value is None:
        return "missing"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _sent(value: Any) -> str:
    return sent(value) if isinstance(value, float) else _text(value)


VERBS: Verbs = {"explain": explain}
