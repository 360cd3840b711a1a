"""The verb predict: a table through a bundle into another table."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from golive import plugins
from golive.cli.options import Json, Verbs, key_values
from golive.cli.output import Printer
from golive.domain.digest import short


class OnError(StrEnum):
    """What becomes of a row that cannot be predicted."""

    STOP = "stop"
    SKIP = "skip"


def predict(
    reference: Annotated[str, typer.Argument(help="A bundle: name, name@version, name:serving, sha256:...")],
    place: Annotated[
        str, typer.Argument(metavar="INPUT", help="A .csv, .parquet, .jsonl or .db file, s3://..., or a database URL.")
    ],
    *,
    output: Annotated[str, typer.Option("--output", "-o", help="What to write, of any of these kinds.")],
    columns: Annotated[
        str | None, typer.Option(help="Input columns to keep, with commas between; '' for none. Default: all.")
    ] = None,
    probabilities: Annotated[bool, typer.Option(help="Write the probability of each class too.")] = True,
    on_error: Annotated[
        OnError, typer.Option(help="A row that cannot be predicted ends the run, or is left out and listed.")
    ] = OnError.STOP,
    refused: Annotated[
        Path | None, typer.Option(help="Where the rows that were left out are listed. Default: beside the output.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one a core.")] = 0,
    rows_per_piece: Annotated[int, typer.Option(min=1, help="Rows that a process has in hand, about.")] = 200_000,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was killed.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the output when the new one is whole.")
    ] = False,
    option: Annotated[list[str] | None, typer.Option(help="KEY=VALUE for the input; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Predict every row of a file or table, on all cores, in constant memory; a bare name means what serves."""
    printer = Printer(as_json=as_json)
    with plugins.attribute("golive.control.predict.hands", "hired")(place, workers) as hands:
        rooms = plugins.verb("rooms", "open_rooms")()
        wish = plugins.attribute("golive.control.predict.run", "Wish")(
            columns=None if columns is None else tuple(name for name in columns.split(",") if name),
            options=key_values(option or []),
            probabilities=probabilities,
            skip=on_error is OnError.SKIP,
            refused=refused,
            workers=workers,
            rows=rows_per_piece,
            resume=resume,
            overwrite=overwrite,
        )
        with printer.progress() as move:
            done = plugins.verb("predict.run", "predict")(
                reference, place, output, rooms, wish=wish, move=move, hands=hands
            )
    printer.result(done, lambda console: _show(console, done))


def _show(console: Console, done: Any) -> None:
    since = f", {done.resumed_at:,} of them by an earlier run" if done.resumed_at else ""
    console.print(
        f"wrote {done.written:,} rows to {done.output}{since}: {done.model} {short(done.bundle)}, "
        f"{done.seconds:.1f} s, {(done.rows - done.resumed_at) / done.seconds:,.0f} rows/s",
        markup=False,
    )
    if done.refused:
        console.print(f"{done.refused:,} rows were left out; {done.refused_file} says which and why", markup=False)


VERBS: Verbs = {"predict": predict}
