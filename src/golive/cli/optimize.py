"""The verb that makes a bundle smaller and faster: optimize."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from golive import plugins
from golive.cli.options import Json, Verbs
from golive.cli.output import Printer, table
from golive.domain.digest import short

_HEADINGS = (
    "",
    "candidate",
    "size",
    "1 row p50",
    "p99",
    "1,000 rows",
    "load",
    "memory",
    "loss",
    "95 % interval",
    "flipped",
)
_KILO, _MEGA = 1e3, 1e6


class Prefer(StrEnum):
    """What the best candidate is best at."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"
    SIZE = "size"


def optimize(
    reference: Annotated[
        str, typer.Argument(help="A project folder, or a bundle: name, name@version, name:serving, sha256:...")
    ] = ".",
    *,
    data: Annotated[
        Path | None, typer.Option(help="Rows with the target that the model was not trained on, and no test rows.")
    ] = None,
    training: Annotated[
        Path | None,
        typer.Option(
            help="With a bundle and --data: rows that candidates are made from, such as those "
            "that the model was trained on; without it one half of --data."
        ),
    ] = None,
    max_loss: Annotated[
        float, typer.Option(help="The greatest worsening of the metric, as a share of its value.", min=0.0, max=0.999)
    ] = 0.005,
    metric: Annotated[str, typer.Option(help="Judge by this metric; else the project's, or accuracy or rmse.")] = "",
    prefer: Annotated[Prefer, typer.Option(help="What the best one is best at.")] = Prefer.LATENCY,
    budget_s: Annotated[float, typer.Option(help="Begin no candidate after so many seconds.", min=0.0)] = 60.0,
    only: Annotated[
        str, typer.Option(metavar="NAME,...", help="Ask these optimizers only, such as precision,int8.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Find a smaller or faster form of a model that is as good, and write it as a bundle of its own."""
    printer = Printer(as_json=as_json)
    plan = msgspec.convert(
        {
            "limits": {"max_loss": max_loss, "prefer": prefer.value},
            "metric": metric,
            "budget_s": budget_s,
            "only": [name.strip() for name in only.split(",") if name.strip()],
        },
        type=plugins.verb("optimizing.optimize", "Plan"),
    )
    with printer.progress() as move:
        done = 0

        def told(one: Any) -> None:
            nonlocal done
            done += 1
            move(done, done + 1, one.candidate.name)

        found = plugins.verb("optimizing.optimize_rows", "optimize_reference")(
            reference, data=data, training=training, plan=plan, say=printer.stage, on_progress=move, told=told
        )
    printer.result(plugins.verb("optimizing.optimize", "summary")(found), lambda console: _show(console, found))


VERBS: Verbs = {"optimize": optimize}


def _show(console: Console, found: Any) -> None:
    searched = found.searched
    measured = [one for one in searched.tried if one.comparison is not None and one.loss is not None]
    rows = [_row(one, searched) for one in measured]
    if measured:
        rows.insert(0, (*_costs("", "as it is", measured[0].comparison.original), "", "", ""))
    table(console, _HEADINGS, rows)
    for one in searched.tried:
        if one.outcome != "passed":
            console.print(f"  {one.candidate.name}: {one.outcome}, {one.reason}", markup=False)
    if searched.left_out:
        console.print(f"  no time was left for {', '.join(searched.left_out)}; --budget-s gives more", markup=False)
    console.print(f"judged by {found.metric} on {found.rows:,} rows; * is the Pareto set, > is taken", markup=False)
    console.print(f"plot      {found.plot}", markup=False)
    if found.bundle is None:
        console.print(f"bundle    none: {_why_none(found)}; the model stays as it is", markup=False)
        return
    best = searched.best
    console.print(f"bundle    {found.bundle.name} {found.bundle.digest}", markup=False)
    console.print(f"          {best.candidate.name}: {best.reason}; parent {short(found.parent.digest)}", markup=False)


def _why_none(found: Any) -> str:
    if not found.searched.pareto:
        return "nothing smaller or faster is good enough"
    names = ", ".join(one.candidate.name for one in found.searched.pareto)
    return f"{names} would do, but not for {found.limits.prefer}; --prefer chooses what matters"


def _row(one: Any, searched: Any) -> tuple[str, ...]:
    mark = ">" if one is searched.best else "*" if any(one is other for other in searched.pareto) else ""
    loss = one.loss
    interval = "-" if loss.upper is None else f"[{_share(loss.lower)}, {_share(loss.upper)}]"
    return (
        *_costs(mark, one.candidate.name, one.comparison.candidate),
        _share(loss.share),
        interval,
        f"{loss.flipped:,}",
    )


def _costs(mark: str, name: str, cost: Any) -> tuple[str, ...]:
    return (
        mark,
        name,
        _size(cost.size_bytes),
        f"{cost.p50_us:,.1f} µs",
        f"{cost.p99_us:,.1f} µs",
        f"{cost.thousand_ms:,.2f} ms",
        f"{cost.load_ms:,.1f} ms",
        f"{cost.memory_mb:,.1f} MB",
    )


def _share(value: float) -> str:
    return f"{value:.2%}"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / _MEGA:,.2f} MB" if size_bytes >= _MEGA else f"{size_bytes / _KILO:,.1f} kB"
