"""Verb that measures: bench."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from golive import plugins
from golive.cli.options import Verbs
from golive.cli.output import Printer, table
from golive.errors import UnavailableError, UsageError

_FAILED = UnavailableError.exit_code
_INTERRUPTED = 130
_HEAD = ("load", "answers/s", "errors", "p50 ms", "p90", "p99", "p99.9", "max", "CPU s/1,000", "answers/CPU s",
         "cost/million")  # fmt: skip


class Arrivals(StrEnum):
    """How the starts of an open loop are spread."""

    POISSON = "poisson"
    CONSTANT = "constant"


class Form(StrEnum):
    """How rows are written."""

    AUTO = "auto"
    ROWS = "rows"
    TENSORS = "tensors"
    BINARY = "binary"


def bench(
    reference: Annotated[str, typer.Argument(help="A bundle: name, name@version, sha256:...")] = "",
    *,
    url: Annotated[str, typer.Option(help="A server that runs already, instead of a private one.")] = "",
    model: Annotated[str, typer.Option(help="With --url: which of its models.")] = "",
    connections: Annotated[str, typer.Option(help="Closed loops, one for each number.")] = "1,16,64",
    sweep: Annotated[
        str, typer.Option(help="Open loops at these percentages of the closed loops' peak; '' for none.")
    ] = "20,40,60,80,90,100,110,120",
    rates: Annotated[str, typer.Option(help="Open loops at these requests a second, instead of the sweep.")] = "",
    arrivals: Annotated[Arrivals, typer.Option(help="How an open loop spreads its requests.")] = Arrivals.POISSON,
    rows: Annotated[int, typer.Option(help="Rows a request.")] = 1,
    form: Annotated[
        Form,
        typer.Option(
            help="Rows by name, or the Open Inference Protocol's tensors as JSON or bytes; auto: rows of fields by "
            "name, tensors as bytes."
        ),
    ] = Form.AUTO,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of a model of tensors: an .npz file with what is sent.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Of each measurement.")] = 5.0,
    warmup: Annotated[float, typer.Option(help="Seconds before each that do not count.")] = 1.0,
    workers: Annotated[int, typer.Option(help="Of the private server; 0: one for every core that it gets.")] = 0,
    record: Annotated[bool, typer.Option(help="Whether the private server records predictions, as in service.")] = True,
    generators: Annotated[int, typer.Option(help="Processes that make the load.")] = 1,
    pin: Annotated[bool, typer.Option(help="Whether server and generator get cores of their own.")] = True,
    seed: Annotated[int, typer.Option(help="Of the rows and the schedule.")] = 0,
    price_per_core_hour: Annotated[float, typer.Option(help="For the cost of a million predictions.")] = 0.05,
    tls_ca: Annotated[Path | None, typer.Option(help="With --url https://...: a PEM file to trust.")] = None,
    json_file: Annotated[str, typer.Option("--json", metavar="FILE", help="Write all figures; - for stdout.")] = "",
    plot: Annotated[Path | None, typer.Option(help="Write latency over throughput as SVG.")] = None,
) -> None:
    """Measure how fast a model is served: closed loops, open loops, and what it costs. Exit code 6 on any error."""
    if not reference and not url:
        message = "say what to load: a bundle (`golive bench NAME`) or a running server (--url http://HOST:PORT)"
        raise UsageError(message)
    plan = plugins.attribute("golive.control.load.plan", "Plan")(
        connections=_numbers(connections, "--connections", int),
        sweep=_numbers(sweep, "--sweep", float),
        rates=_numbers(rates, "--rates", float),
        arrivals=arrivals.value,
        seconds=seconds,
        warmup_s=warmup,
        rows=rows,
        form=form.value,
        seed=seed,
        generators=generators,
        pin=pin,
        price_per_core_hour=price_per_core_hour,
    )
    _refuse_lost(json_file, plot)
    printer = Printer(as_json=json_file == "-")
    with _ended_by_kill(), printer.progress() as say:
        if url:
            report = plugins.verb("bench", "bench_url")(
                url, plan, model=model, reference=reference, tls_ca=str(tls_ca or ""), data=data, say=say
            )
        else:
            report = plugins.verb("bench", "bench")(reference, plan, workers=workers, record=record, data=data, say=say)
    printer.result(report, lambda console: _show(console, report))
    sys.stdout.flush()
    _keep(report, json_file, plot)
    _leave(report)


VERBS: Verbs = {"bench": bench}


def _numbers(text: str, option: str, kind: type[int] | type[float]) -> tuple[float, ...]:
    try:
        return tuple(kind(part) for part in text.split(",") if part.strip())
    except ValueError:
        example = "1,16,64" if kind is int else "20,50.5,100"
        message = f"{option} takes numbers with commas between them, such as {example}; got {text!r}"
        raise UsageError(message) from None


@contextmanager
def _ended_by_kill() -> Iterator[None]:
    """Let `kill` end a bench as Ctrl-C does: with what was measured so far, and with the server stopped."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


def _refuse_lost(json_file: str, plot: Path | None) -> None:
    """Refuse a file that cannot be written before anything is measured for it."""
    for option, path in (("--json", Path(json_file) if json_file not in {"", "-"} else None), ("--plot", plot)):
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            message = f"{option} {str(path)!r} cannot be written: give a file in a folder that is there"
            raise UsageError(message)


def _keep(report: Any, json_file: str, plot: Path | None) -> None:
    write = plugins.attribute("golive.store.files", "write_whole")
    if json_file and json_file != "-":
        write(Path(json_file).absolute(), msgspec.json.encode(report) + b"\n")
    if plot is not None:
        write(plot.absolute(), plugins.attribute("golive.control.load.plot", "plot_svg")(report).encode())


def _leave(report: Any) -> None:
    """End with the exit code that the report deserves."""
    if report.broken:
        raise UnavailableError(report.broken)
    if report.cut_short:
        raise typer.Exit(_INTERRUPTED)
    if report.is_failed:
        raise typer.Exit(_FAILED)


def _show(console: Console, report: Any) -> None:
    service, machine = report.service, report.machine
    console.print(
        f"{service.model} {service.bundle[:19]} at {service.url}, {report.plan.rows} row(s) a request; "
        f"{machine.cpu or machine.system}, {machine.cores} cores",
        markup=False,
    )
    if report.points:
        table(
            console,
            _HEAD,
            [_line(point) for point in report.points],
        )
    else:
        console.print("nothing was measured", markup=False)
    for note in report.notes:
        console.print(f"- {note}", markup=False)


def _line(point: Any) -> tuple[str, ...]:
    times = point.latencies
    per_cpu_s = point.answers_per_cpu_s
    return (
        point.load.name + (" (cut short)" if point.cut_short else ""),
        f"{point.throughput:,.0f}",
        _errors(point),
        *(("-",) * 5 if times is None else map(_ms, (times.p50, times.p90, times.p99, times.p999, times.max))),
        "-" if not per_cpu_s else f"{1000 / per_cpu_s:.4f}",
        "-" if not per_cpu_s else f"{per_cpu_s:,.0f}",
        "-" if point.cost_per_million is None else f"{point.cost_per_million:.4f}",
    )


def _ms(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:,.0f}"  # noqa: PLR2004


def _errors(point: Any) -> str:
    kinds = {f"{count:,} x {status}": count for status, count in sorted(point.bad_statuses.items())}
    kinds |= {f"{point.disconnects:,} cut off": point.disconnects, f"{point.unanswered:,} unanswered": point.unanswered}
    named = ", ".join(text for text, count in kinds.items() if count)
    return f"{point.errors:,}" + (f" ({named})" if named else "")
