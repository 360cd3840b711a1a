"""What the commands print: results on stdout (JSON on request), progress and errors on stderr."""

import sys
import traceback
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from golive.control.stages import Stage
from golive.errors import GoliveError


class Printer:
    """One command's output: two consoles and whether the caller wants JSON."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)

    def result(self, value: Any, show: Callable[[Console], None]) -> None:
        """Print a value: as JSON when asked, else as ``show`` says it to people."""
        if self.as_json:
            sys.stdout.write(msgspec.json.encode(value, enc_hook=str).decode() + "\n")
        else:
            show(self.out)

    def stage(self, stage: Stage) -> None:
        """Say on stderr what a stage did and how long it took."""
        mark = "[dim]=[/dim]" if stage.reused else "[green]✓[/green]"
        took = "[dim]unchanged[/dim]" if stage.reused else f"[dim]{stage.seconds:.1f} s[/dim]" if stage.seconds else ""
        self.err.print(f"{mark} [bold]{stage.name:<9}[/bold]", _plain(stage.text), took)

    @contextmanager
    def progress(self) -> Generator[Callable[[int, int, str], None]]:
        """Show a bar on stderr while work goes on; gives the function that moves it."""
        bar = Progress(
            TextColumn("  [dim]{task.description}[/dim]"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.err,
            transient=True,
        )
        with bar:
            task = bar.add_task("", total=None)

            def move(done: int, total: int, text: str) -> None:
                bar.update(task, completed=done, total=total, description=_plain(text))

            yield move


def table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*[_plain(cell) for cell in row])
    console.print(shown)


def fail(error: BaseException, *, debug: bool) -> NoReturn:
    """Print an error as one sentence and leave with its exit code; a traceback only when asked."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if debug:
        traceback.print_exception(error)
    if isinstance(error, GoliveError):
        console.print("[red]error:[/red]", _plain(error.message))
        raise typer.Exit(error.exit_code)
    ticket = uuid.uuid4().hex[:8]
    what = f"{type(error).__name__}: {error}"
    text = f"this is a bug in golive ({what}); please report it as {ticket}, with what --debug prints"
    console.print("[red]error:[/red]", _plain(text))
    raise typer.Exit(1)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
